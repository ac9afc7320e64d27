import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { close, numericalGradient } from '../numbers';
import { compile } from 'cifar10/engine';

const functions: { name: string; f: (x: tf.Tensor2D) => tf.Tensor }[] = [
  { name: 'relu', f: (x) => tf.relu(x) },
  {
    name: 'matMul',
    f: (x) =>
      tf.matMul(
        x,
        tf.tensor2d([
          [1, 2],
          [3, -4],
          [5, 6],
        ]),
      ),
  },
  {
    name: 'matMul, transposed',
    f: (x) =>
      tf.matMul(
        tf.tensor2d([
          [1, -2],
          [3, 4],
        ]),
        x,
        true,
        false,
      ),
  },
  { name: 'matMul of batches of one matrix', f: (x) => tf.matMul(x.expandDims(0), tf.ones([1, 3, 2])) },
  { name: 'bias', f: (x) => tf.add(x, tf.tensor1d([1, 2, 3])) },
  { name: 'sum of equal shapes', f: (x) => tf.add(x, tf.mul(x, x)) },
];
for (const { name, f } of functions) {
  test(`gradient of ${name} agrees with finite differences`, () => {
    tf.tidy(() => {
      const x = tf.tensor2d([
        [0.5, -1.5, 2],
        [-0.3, 0.7, 1],
      ]);
      const total = (x: tf.Tensor) => tf.sum(tf.square(f(x as tf.Tensor2D)));
      close(tf.grad(total)(x).dataSync(), numericalGradient(total, x, 1e-2), 0.15);
    });
  });
}

test('the gradient of a bias is the sum over everything else', () => {
  tf.tidy(() => {
    const [x, dy] = [tf.ones([2, 3, 3, 4]), tf.randomNormal([2, 3, 3, 4], 0, 1, 'float32', 5)];
    const gradient = tf.grad((bias) => tf.add(x, bias))(tf.tensor1d([1, 2, 3, 4]), dy);
    close(gradient.dataSync(), tf.sum(dy, [0, 1, 2]).dataSync(), 1e-4);
  });
});

const twice = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) =>
  tf.grad((x) => tf.sum(tf.grad((x) => tf.sum(f(x)))(x)))(x);
const curves: { name: string; f: (x: tf.Tensor) => tf.Tensor; second: number[] }[] = [
  { name: 'x·relu(x)²', f: (x) => tf.mul(x, tf.square(tf.relu(x))), second: [0, 12] },
  { name: '(1 + x)²·x, a bias', f: (x) => tf.mul(tf.square(tf.add(tf.ones([3, 2]), x)), x), second: [-6, 48] },
];
for (const { name, f, second } of curves) {
  test(`the second derivative of ${name}`, () => {
    tf.tidy(() => {
      const x = tf.tensor1d([-1, 2]);
      assert.deepEqual([...twice(f)(x).dataSync()], second);
      const program = compile({ f: (x: tf.Tensor) => ({ y: twice(f)(x) }) }, { precision: 'float32' });
      assert.deepEqual([...program.f(x).y.dataSync()], second, 'compiled');
      program.dispose();
    });
  });
}

test("tfjs's normalization of other axes than the last is unchanged", () => {
  tf.tidy(() => {
    const rows = tf.layers.layerNormalization().apply(tf.tensor2d([[1, 2, 3]])) as tf.Tensor;
    close(rows.dataSync(), [-1.2242, 0, 1.2242], 1e-3);
    const norm = tf.layers.batchNormalization({ axis: 1, epsilon: 0 });
    const images = norm.apply(tf.ones([1, 2, 2, 2])) as tf.Tensor;
    norm.setWeights([1, 1, 0.5, 4].map((value) => tf.fill([2], value)));
    close(images.dataSync(), Array<number>(8).fill(1), 1e-6);
    close((norm.apply(images) as tf.Tensor).dataSync(), Array<number>(8).fill(1.25), 1e-5);
    norm.dispose();
  });
});

for (const without of ['scale', 'center']) {
  test(`tfjs's batch norm without ${without}, on running statistics`, () => {
    const norm = tf.layers.batchNormalization({ [without]: false, epsilon: 0 });
    const x = tf.ones([2, 3, 3, 4]);
    tf.dispose(norm.apply(x) as tf.Tensor);
    tf.tidy(() => norm.setWeights([2, 0.5, 4].map((value) => tf.fill([4], value))));
    const before = tf.memory().numTensors;
    const program = compile({ f: (x: tf.Tensor) => ({ y: norm.apply(x) as tf.Tensor }) }, { precision: 'float32' });
    // Without scale: (1 − 0.5) / 2 + 2; without offset: (1 − 0.5) / 2 · 2.
    const expected = Array<number>(72).fill(without === 'scale' ? 2.25 : 0.5);
    for (const y of [program.f(x).y, norm.apply(x) as tf.Tensor]) {
      close(y.dataSync(), expected, 1e-5);
      y.dispose();
    }
    program.dispose();
    assert.equal(tf.memory().numTensors, before);
    norm.dispose();
    x.dispose();
  });
}
