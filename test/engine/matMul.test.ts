import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { CUSTOM_OPS, cpuHas } from 'cifar10/engine';
import { executeOp } from 'cifar10/engine';
import { compiledAndEager, opsOf, randoms, relativeError, skip as noCustomOps } from './customOps';

const skip = cpuHas('avx512') ? 'with AVX-512, TensorFlow’s own is taken' : noCustomOps;

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
for (const [rows, inputCount, outputs] of cases) {
  test(`[${rows}, ${inputCount}] · [${inputCount}, ${outputs}]: as TensorFlow's product`, { skip }, () => {
    const inputs = randoms([rows, inputCount], [inputCount, outputs]);
    const { first, again, eager } = compiledAndEager(multiply(), inputs);
    const error = relativeError(first.y, eager.y);
    assert.deepEqual(first.y.shape, [rows, outputs]);
    assert.ok(error < 2e-6, `off by ${error.toExponential(1)}`);
    assert.deepEqual(again.y.dataSync(), first.y.dataSync(), 'the same each time');
    tf.dispose([inputs, first, again, eager]);
  });
}

for (const [rows, inputCount, outputs] of cases) {
  test(
    `[${rows}, ${inputCount}] · [${inputCount}, ${outputs}]: the op itself, on each CPU`,
    { skip: noCustomOps },
    () => {
      const [x, w] = randoms([rows, inputCount], [inputCount, outputs]);
      const [y, expected] = [executeOp(CUSTOM_OPS.matMul, [], [x, w]), tf.matMul(x, w)];
      assert.ok(relativeError(y, expected) < 2e-6);
      tf.dispose([x, w, y, expected]);
    },
  );
}

test('takes the place of TensorFlow’s', { skip }, () => {
  const found = opsOf(multiply(), [8, 32], [32, 64]);
  assert.ok(found.includes(CUSTOM_OPS.matMul) && !found.includes('MatMul'));
});

const others: [string, ReturnType<typeof multiply>, number[], number[]][] = [
  ['x transposed, as for the weights’ gradient', multiply(true), [32, 8], [32, 64]],
  ['w transposed, as for the inputs’ gradient', multiply(false, true), [8, 32], [64, 32]],
  ['ten outputs', multiply(), [8, 32], [32, 10]],
  ['no rows', multiply(), [0, 32], [32, 64]],
];
for (const [name, fn, x, w] of others) {
  test(`${name}: TensorFlow’s own stays`, { skip }, () => {
    const found = opsOf(fn, x, w);
    assert.ok(found.includes('MatMul') && !found.includes(CUSTOM_OPS.matMul));
  });
}
