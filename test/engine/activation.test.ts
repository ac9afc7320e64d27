import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { CUSTOM_OPS } from 'cifar10/engine';
import { compiledAndEager, opsOf, randoms, relativeError, skip } from './customOps';

const layer = (x: tf.Tensor, bias: tf.Tensor) => tf.relu(tf.add(x, bias));
/** A layer's bias and ReLU, and their gradients. */
const step = (x: tf.Tensor, bias: tf.Tensor, dy: tf.Tensor) => {
  const [dx, dbias] = tf.grads(layer)([x, bias], dy);
  return { y: layer(x, bias), dx, dbias };
};

/** Zeros may differ in sign. */
const isEqual = (a: tf.Tensor, b: tf.Tensor): boolean => tf.tidy(() => tf.equal(a, b).all().dataSync()[0] === 1);

for (const shape of [
  [3, 5],
  [6, 1, 1, 1],
  [2, 7, 5, 3],
  [33, 16, 16, 24],
  [4, 2, 2, 40_000],
]) {
  test(`[${shape.join()}]: as TensorFlow's bias and ReLU`, { skip }, () => {
    const inputs = randoms(shape, shape.slice(-1), shape);
    const { first, again, eager } = compiledAndEager(step, inputs);
    for (const name of ['y', 'dx'] as const) assert.ok(isEqual(first[name], eager[name]), name);
    assert.ok(relativeError(first.dbias, eager.dbias) < 1e-6, 'dbias');
    assert.deepEqual(again.dbias.dataSync(), first.dbias.dataSync(), 'the same each time');
    tf.dispose([inputs, first, again, eager]);
  });
}

test('takes the place of four ops', { skip }, () => {
  const found = opsOf(step, [2, 4, 4, 8], [8], [2, 4, 4, 8]);
  for (const op of [CUSTOM_OPS.biasRelu, CUSTOM_OPS.biasReluGrad]) assert.ok(found.includes(op), op);
  for (const op of ['Relu', 'ReluGrad', 'BiasAddGrad']) assert.ok(!found.includes(op), op);
});

test('the bias of a convolution too, whose gradient tfjs sums by itself', { skip }, () => {
  const convolution = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor, dy: tf.Tensor) => {
    const f = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) =>
      tf.relu(
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          bias,
          strides: 1,
          pad: 'same',
          activation: 'linear',
        }),
      );
    const [, dfilter, dbias] = tf.grads(f)([x, filter, bias], dy);
    return { dfilter, dbias };
  };
  const shapes = [[4, 6, 6, 3], [3, 3, 3, 8], [8], [4, 6, 6, 8]];
  const found = opsOf(convolution, ...shapes);
  assert.ok(found.includes(CUSTOM_OPS.biasReluGrad) && !found.includes('Sum'));
  const inputs = randoms(...shapes);
  const { first, again, eager } = compiledAndEager(convolution, inputs);
  for (const name of ['dfilter', 'dbias'] as const) assert.ok(relativeError(first[name], eager[name]) < 5e-6, name);
  tf.dispose([inputs, first, again, eager]);
});

test('the bias of a linear layer too, though tfjs reshapes what is around it', { skip }, () => {
  const linear = (x: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor, dy: tf.Tensor) => {
    const f = (x: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor) =>
      tf.relu(tf.fused.matMul({ a: x, b: weights, bias, activation: 'linear' }));
    const [dx, dweights, dbias] = tf.grads(f)([x, weights, bias], dy);
    return { y: f(x, weights, bias), dx, dweights, dbias };
  };
  const shapes = [[6, 5], [5, 7], [7], [6, 7]];
  const found = opsOf(linear, ...shapes);
  for (const op of [CUSTOM_OPS.biasRelu, CUSTOM_OPS.biasReluGrad]) assert.ok(found.includes(op), op);
  for (const op of ['Relu', 'ReluGrad', 'Sum']) assert.ok(!found.includes(op), op);
  const inputs = randoms(...shapes);
  const { first, again, eager } = compiledAndEager(linear, inputs);
  for (const name of ['y', 'dx', 'dweights', 'dbias'] as const) {
    assert.deepEqual(first[name].shape, eager[name].shape, name);
    assert.ok(relativeError(first[name], eager[name]) < 1e-6, name);
  }
  tf.dispose([inputs, first, again, eager]);
});

/** A ReLU of x + bias, which are of another shape than x and the ReLU's result. */
const between = (sum: number[], result: number[]) => (x: tf.Tensor, bias: tf.Tensor, dy: tf.Tensor) => {
  const f = (x: tf.Tensor, bias: tf.Tensor) => tf.relu(tf.reshape(tf.add(tf.reshape(x, sum), bias), result));
  const [dx, dbias] = tf.grads(f)([x, bias], dy);
  return { y: f(x, bias), dx, dbias };
};
const reshapes: [string, ReturnType<typeof between>, number[], number[], boolean][] = [
  ['there and back, keeping the channels', between([2, 3, 8], [6, 8]), [6, 8], [6, 8], true],
  ['there and back, mixing the channels', between([6, 8], [3, 16]), [3, 16], [3, 16], false],
  ['to a shape that there was not before', between([6, 8], [2, 3, 8]), [6, 8], [2, 3, 8], false],
];
for (const [name, fn, x, result, isTaken] of reshapes) {
  test(`a reshape between bias and ReLU ${name}: ${isTaken ? 'taken' : 'the ops stay'}`, { skip }, () => {
    const shapes = [x, [8], result];
    const found = opsOf(fn, ...shapes);
    for (const op of [CUSTOM_OPS.biasRelu, CUSTOM_OPS.biasReluGrad]) assert.equal(found.includes(op), isTaken, op);
    const inputs = randoms(...shapes);
    const { first, again, eager } = compiledAndEager(fn, inputs);
    for (const name of ['y', 'dx', 'dbias'] as const) {
      assert.deepEqual(first[name].shape, eager[name].shape, name);
      assert.ok(relativeError(first[name], eager[name]) < 1e-6, name);
    }
    tf.dispose([inputs, first, again, eager]);
  });
}

test('NaN propagates', { skip }, () => {
  const x = tf.tensor2d([
    [NaN, 1],
    [-Infinity, Infinity],
  ]);
  const inputs = [x, tf.tensor1d([0, 0])];
  const { first, again, eager } = compiledAndEager((x, bias) => ({ y: layer(x, bias) }), inputs);
  assert.deepEqual([...first.y.dataSync()], [NaN, 1, 0, Infinity]);
  tf.dispose([inputs, first, again, eager]);
});

test('a sum that others need, too, is still there', { skip }, () => {
  const both = (x: tf.Tensor, bias: tf.Tensor) => {
    const sum = tf.add(x, bias);
    return { sum, y: tf.relu(sum) };
  };
  const inputs = randoms([4, 8], [8]);
  const { first, again, eager } = compiledAndEager(both, inputs);
  assert.ok(opsOf(both, [4, 8], [8]).includes(CUSTOM_OPS.biasRelu));
  for (const name of ['sum', 'y'] as const) assert.deepEqual(first[name].dataSync(), eager[name].dataSync(), name);
  tf.dispose([inputs, first, again, eager]);
});

test('an input that is needed afterwards keeps its values', { skip }, () => {
  const twice = (x: tf.Tensor, bias: tf.Tensor) => {
    const doubled = tf.mul(x, 2);
    return { y: layer(doubled, bias), doubled };
  };
  const inputs = randoms([64, 128], [128]);
  const { first, again, eager } = compiledAndEager(twice, inputs);
  for (const name of ['y', 'doubled'] as const) assert.deepEqual(first[name].dataSync(), eager[name].dataSync(), name);
  tf.dispose([inputs, first, again, eager]);
});

test('one gradient for two layers, which is needed afterwards, too, keeps its values', { skip }, () => {
  const residual = (x: tf.Tensor, bias: tf.Tensor, dy: tf.Tensor) => {
    const twice = tf.mul(dy, 2);
    const [a, da] = tf.grads(layer)([x, bias], twice);
    const [b] = tf.grads(layer)([tf.neg(x), bias], twice);
    return { a, da, b, twice };
  };
  const inputs = randoms([64, 128], [128], [64, 128]);
  const { first, again, eager } = compiledAndEager(residual, inputs);
  for (const name of ['a', 'b', 'twice'] as const) assert.ok(isEqual(first[name], eager[name]), name);
  assert.ok(relativeError(first.da, eager.da) < 1e-6);
  tf.dispose([inputs, first, again, eager]);
});

test('other sums of a gradient are what they were', { skip }, () => {
  const sums = (x: tf.Tensor, bias: tf.Tensor, dy: tf.Tensor) => {
    const dx = tf.grad((x) => layer(x, bias))(x, dy);
    return { rows: tf.sum(dx, [1, 2]), last: tf.sum(dx, 2), kept: tf.sum(dx, [0, 1], true), all: tf.sum(dx, [0, 1]) };
  };
  const inputs = randoms([4, 4, 4], [4], [4, 4, 4]);
  const { first, again, eager } = compiledAndEager(sums, inputs);
  for (const name of ['rows', 'last', 'kept', 'all'] as const) {
    assert.deepEqual(first[name].shape, eager[name].shape, name);
    assert.ok(relativeError(first[name], eager[name]) < 1e-6, name);
  }
  tf.dispose([inputs, first, again, eager]);
});

test('nothing to compute: TensorFlow’s ops stay', { skip }, () => {
  assert.ok(!opsOf((x, bias) => ({ y: layer(x, bias) }), [0, 4], [4]).includes(CUSTOM_OPS.biasRelu));
});

test('a ReLU without a bias: TensorFlow’s stays', { skip }, () => {
  const plain = (x: tf.Tensor, dy: tf.Tensor) => ({ dx: tf.grad((x) => tf.relu(x))(x, dy) });
  const found = opsOf(plain, [2, 4], [2, 4]);
  assert.ok(found.includes('ReluGrad') && !found.includes(CUSTOM_OPS.biasReluGrad));
});
