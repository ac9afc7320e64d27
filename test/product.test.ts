import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compile } from 'cifar10';
import { DataType } from 'cifar10/dist/tensor/backend';
import { createGraph } from 'cifar10/dist/tensor/graph';
import { hasProduct, withProducts } from 'cifar10/dist/tensor/product';
import { trace } from 'cifar10/dist/tensor/trace';

const skip = hasProduct() ? false : 'this processor has no AVX2, or AVX-512 too';

const multiply =
  (transposeA = false, transposeB = false) =>
  (x: tf.Tensor, w: tf.Tensor) => ({ y: tf.matMul(x, w, transposeA, transposeB) });

// Rows that are no multiple of six, depths on both sides of a block of 384, and the course's own layers.
const cases: [rows: number, inputs: number, outputs: number][] = [
  [1, 1, 64],
  [5, 7, 64],
  [6, 384, 128],
  [81, 385, 192],
  [256, 3072, 512],
  [80, 4096, 1024],
];
for (const [rows, inputs, outputs] of cases) {
  test(`[${rows}, ${inputs}] · [${inputs}, ${outputs}]: as TensorFlow's product`, { skip }, () => {
    const x = tf.randomNormal([rows, inputs], 0, 1, 'float32', 1);
    const w = tf.randomNormal([inputs, outputs], 0, 1, 'float32', 2);
    const program = compile({ multiply: multiply() }, { precision: 'float32' });
    const [first, again] = [program.multiply(x, w), program.multiply(x, w)];
    const error = tf.tidy(() => {
      const expected = tf.matMul(x, w);
      const square = (a: tf.Tensor) => a.square().mean().sqrt();
      return square(tf.sub(first.y, expected)).div(square(expected)).dataSync()[0];
    });
    assert.deepEqual(first.y.shape, [rows, outputs]);
    assert.ok(error < 2e-6, `off by ${error.toExponential(1)}`);
    assert.deepEqual(again.y.dataSync(), first.y.dataSync(), 'the same each time');
    program.dispose();
    tf.dispose([x, w, first, again]);
  });
}

const ops = (fn: ReturnType<typeof multiply>, ...shapes: number[][]): string[] => {
  const graph = createGraph();
  const types = shapes.map((shape) => ({ dtype: DataType.float32, shape }));
  trace(fn, types, graph, new Map(), 'multiply');
  return withProducts(graph).nodes.map(({ op }) => op);
};

test('takes the place of TensorFlow’s', { skip }, () => {
  const found = ops(multiply(), [8, 32], [32, 64]);
  assert.ok(found.includes('Product') && !found.includes('MatMul'));
});

const others: [string, ReturnType<typeof multiply>, number[], number[]][] = [
  ['x transposed, as for the weights’ gradient', multiply(true), [32, 8], [32, 64]],
  ['w transposed, as for the inputs’ gradient', multiply(false, true), [8, 32], [64, 32]],
  ['ten outputs', multiply(), [8, 32], [32, 10]],
  ['no rows', multiply(), [0, 32], [32, 64]],
];
for (const [name, fn, x, w] of others) {
  test(`${name}: TensorFlow’s own stays`, { skip }, () => {
    const found = ops(fn, x, w);
    assert.ok(found.includes('MatMul') && !found.includes('Product'));
  });
}
