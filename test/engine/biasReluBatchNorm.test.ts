import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { CUSTOM_OPS, batchNormTraining } from 'cifar10/engine';
import { compiledAndEager, opsOf, randoms, relativeError, skip } from './customOps';

const cut = (x: tf.Tensor, bias: tf.Tensor): tf.Tensor => tf.relu(tf.add(x, bias));

const norm = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor =>
  tf.tidy(() => {
    const [mean, variance] = [tf.zerosLike(gamma) as tf.Tensor1D, tf.onesLike(gamma) as tf.Tensor1D];
    const hyperparameters = { epsilon: 1e-5, momentum: 0.1 };
    const [scale, offset] = [gamma as tf.Tensor1D, beta as tf.Tensor1D];
    return batchNormTraining(x as tf.Tensor4D, scale, offset, { mean, variance }, hyperparameters, () => {});
  });

/** The gradients of a bias, a ReLU and a batch norm, one after the other. */
const gradients = (x: tf.Tensor, bias: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, dy: tf.Tensor) => {
  const layer = (...[x, bias, gamma, beta]: tf.Tensor[]) => norm(cut(x, bias), gamma, beta);
  const [dx, dbias, dgamma, dbeta] = tf.grads(layer)([x, bias, gamma, beta], dy);
  return { dx, dbias, dgamma, dbeta };
};
const shapesOf = (shape: number[]) => [shape, ...Array<number[]>(3).fill(shape.slice(-1)), shape];

for (const shape of [
  [3, 2, 1, 5],
  [6, 4, 4, 1],
  [2, 7, 5, 3],
  [33, 16, 16, 24],
  [4, 2, 2, 40_000],
]) {
  test(`[${shape.join()}]: one op gives the gradients that three give`, { skip }, () => {
    const found = opsOf(gradients, ...shapesOf(shape));
    assert.ok(found.includes(CUSTOM_OPS.biasReluBatchNormGrad));
    for (const op of [CUSTOM_OPS.batchNormGrad, 'ReluGrad', CUSTOM_OPS.biasReluGrad, 'BiasAddGrad'])
      assert.ok(!found.includes(op), op);
    const inputs = randoms(...shapesOf(shape));
    const { first, again, eager } = compiledAndEager(gradients, inputs);
    for (const name of ['dx', 'dgamma', 'dbeta'] as const) {
      assert.ok(
        tf.tidy(() => tf.equal(first[name], eager[name]).all().dataSync()[0] === 1),
        name,
      );
    }
    // A sum of numbers of both signs is rounded by its terms, however small it is.
    const terms = tf.tidy(() => eager.dx.abs().sum([0, 1, 2]).mean().dataSync()[0]);
    const error = tf.tidy(() => tf.sub(first.dbias, eager.dbias).abs().max().dataSync()[0]);
    assert.ok(error < 1e-6 * terms, `dbias is off by ${error}, its terms are ${terms}`);
    assert.deepEqual(again.dbias.dataSync(), first.dbias.dataSync(), 'the same each time');
    tf.dispose([inputs, first, again, eager]);
  });
}

test('a norm’s gradient that others need, too, stays', { skip }, () => {
  const both = (x: tf.Tensor, bias: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, dy: tf.Tensor) => {
    let between!: tf.Tensor;
    const probe = tf.customGrad((value) => ({
      value: (value as tf.Tensor).clone(),
      gradFunc: (gradient: tf.Tensor) => {
        between = tf.keep(gradient.clone());
        return gradient;
      },
    }));
    const dx = tf.grad((x) => norm(probe(cut(x, bias)), gamma, beta))(x, dy);
    return { dx, between };
  };
  const shapes = shapesOf([4, 4, 4, 8]);
  const found = opsOf(both, ...shapes);
  assert.ok(found.includes(CUSTOM_OPS.batchNormGrad) && !found.includes(CUSTOM_OPS.biasReluBatchNormGrad));
  const inputs = randoms(...shapes);
  const { first, again, eager } = compiledAndEager(both, inputs);
  for (const name of ['dx', 'between'] as const) assert.ok(relativeError(first[name], eager[name]) < 1e-6, name);
  tf.dispose([inputs, first, again, eager]);
});

test('the gradient of another ReLU than the norm’s own stays', { skip }, () => {
  const crossed = (x: tf.Tensor, bias: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, dy: tf.Tensor) => {
    const dnorm = tf.grad((z) => norm(z, gamma, beta))(cut(x, bias), dy);
    return { dx: tf.grad((x) => cut(tf.neg(x), bias))(x, dnorm) };
  };
  const shapes = shapesOf([4, 4, 4, 8]);
  assert.ok(!opsOf(crossed, ...shapes).includes(CUSTOM_OPS.biasReluBatchNormGrad));
  const inputs = randoms(...shapes);
  const { first, again, eager } = compiledAndEager(crossed, inputs);
  assert.ok(relativeError(first.dx, eager.dx) < 1e-6);
  tf.dispose([inputs, first, again, eager]);
});
