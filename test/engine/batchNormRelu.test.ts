import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { batchNormTraining, CUSTOM_OPS } from 'cifar10/engine';
import { compiledAndEager, opsOf, randoms, relativeError, skip } from './customOps';

const norm = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor =>
  tf.tidy(() => {
    const running = { mean: tf.zerosLike(gamma) as tf.Tensor1D, variance: tf.onesLike(gamma) as tf.Tensor1D };
    const options = { epsilon: 1e-5, momentum: 0.1 };
    const [scale, offset] = [gamma as tf.Tensor1D, beta as tf.Tensor1D];
    return batchNormTraining(x as tf.Tensor4D, scale, offset, running, options, () => {});
  });
const layer = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor => tf.relu(norm(x, gamma, beta));

/** Its output and gradients. */
const step = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, dy: tf.Tensor) => {
  const [dx, dgamma, dbeta] = tf.grads(layer)([x, gamma, beta], dy);
  return { y: layer(x, gamma, beta), dx, dgamma, dbeta };
};
const shapesOf = (shape: number[]) => [shape, shape.slice(-1), shape.slice(-1), shape];
const { batchNorm, batchNormGrad, batchNormRelu, batchNormReluGrad } = CUSTOM_OPS;

for (const shape of [
  [3, 2, 1, 5],
  [6, 4, 4, 2],
  [33, 16, 16, 24],
  [4, 2, 2, 40_000],
  // From 32 MB on, what is written passes the caches by.
  [144, 32, 32, 64],
]) {
  test(`[${shape.join()}]: a batch norm and its ReLU are one op, and so are their gradients`, { skip }, () => {
    const found = opsOf(step, ...shapesOf(shape));
    for (const op of [batchNormRelu, batchNormReluGrad]) assert.ok(found.includes(op), op);
    for (const op of [batchNorm, batchNormGrad, 'Relu']) assert.ok(!found.includes(op), op);
    const inputs = randoms(...shapesOf(shape));
    const { first, again, eager } = compiledAndEager(step, inputs);
    for (const name of ['y', 'dx', 'dgamma', 'dbeta'] as const) {
      assert.ok(relativeError(first[name], eager[name]) < 1e-6, name);
      assert.deepEqual(again[name].dataSync(), first[name].dataSync(), `${name}: the same each time`);
    }
    tf.dispose([inputs, first, again, eager]);
  });
}

test('NaN propagates', { skip }, () => {
  const [x, gamma, beta] = [tf.tensor4d([1, NaN, 2, 3], [2, 1, 1, 2]), tf.ones([2]), tf.zeros([2])];
  const { first, again, eager } = compiledAndEager(
    (...args) => ({ y: layer(args[0], args[1], args[2]) }),
    [x, gamma, beta],
  );
  assert.deepEqual(
    [...first.y.dataSync()].map((value) => Number.isNaN(value)),
    [false, true, false, true],
  );
  tf.dispose([x, gamma, beta, first, again, eager]);
});

test('a norm whose output others use, too, stays; so does the gradient of another ReLU', { skip }, () => {
  const both = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => {
    const between = norm(x, gamma, beta);
    return { between, y: tf.relu(between) };
  };
  const crossed = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, dy: tf.Tensor) => {
    const drelu = tf.grad((z) => tf.relu(z))(x, dy);
    return { dx: tf.grad((z) => norm(z, gamma, beta))(x, drelu) };
  };
  const shapes = shapesOf([4, 4, 4, 8]);
  assert.ok(!opsOf(both, ...shapes.slice(0, 3)).includes(batchNormRelu));
  assert.ok(!opsOf(crossed, ...shapes).includes(batchNormReluGrad));
  const inputs = randoms(...shapes);
  for (const fn of [both, crossed]) {
    const { first, again, eager } = compiledAndEager(fn as typeof crossed, inputs.slice(0, fn.length));
    for (const [name, value] of Object.entries(first))
      assert.ok(relativeError(value, eager[name as 'dx']) < 1e-6, name);
    tf.dispose([first, again, eager]);
  }
  tf.dispose(inputs);
});

test('between two ReLUs, with a bias before the first', { skip }, () => {
  const stack = (x: tf.Tensor, bias: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, dy: tf.Tensor) => {
    const f = (...[x, bias, gamma, beta]: tf.Tensor[]) => layer(tf.relu(tf.add(x, bias)), gamma, beta);
    const [dx, dbias, dgamma] = tf.grads(f)([x, bias, gamma, beta], dy);
    return { dx, dbias, dgamma };
  };
  const shapes = [[4, 4, 4, 8], [8], [8], [8], [4, 4, 4, 8]];
  const inputs = randoms(...shapes);
  const { first, again, eager } = compiledAndEager(stack, inputs);
  for (const name of ['dx', 'dbias', 'dgamma'] as const)
    assert.ok(relativeError(first[name], eager[name]) < 1e-5, name);
  tf.dispose([inputs, first, again, eager]);
});
