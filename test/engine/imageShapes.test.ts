import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { batchNormTraining, compile, sgdUpdate, softmaxCrossEntropy } from 'cifar10/engine';
import { compiledAndEager, randoms, relativeError } from './customOps';

/** A network's filters, and weights of its last layer, for images of so many channels and so many classes. */
const filters = (channels: number, classes: number, last: number): number[][] => [
  [3, 3, channels, 16],
  [3, 3, 16, 32],
  [3, 3, 32, 20],
  [last, classes],
];

const norm = (x: tf.Tensor4D): tf.Tensor4D => {
  const [ones, zeros] = [tf.ones<tf.Rank.R1>([x.shape[3]]), tf.zeros<tf.Rank.R1>([x.shape[3]])];
  return batchNormTraining(x, ones, zeros, { mean: zeros, variance: ones }, { epsilon: 1e-5, momentum: 0.1 }, () => {});
};

/** conv → batch norm → ReLU → pool, three times, then a linear layer; and a step of SGD for each array. */
const step = (...[x, ...weights]: tf.Tensor[]): Record<string, tf.Tensor> => {
  const loss = (...[a, b, c, w]: tf.Tensor[]) => {
    const features = [a, b, c].reduce<tf.Tensor4D>(
      (y, filter) => tf.maxPool(tf.relu(norm(tf.conv2d(y, filter as tf.Tensor4D, 1, 'same'))), 2, 2, 'valid'),
      x as tf.Tensor4D,
    );
    const logits = tf.matMul<tf.Tensor2D>(tf.reshape(features, [x.shape[0], -1]), w);
    return softmaxCrossEntropy(logits, tf.tensor1d([0, w.shape[1]! - 1, 1], 'int32'), { labelSmoothing: 0.1 });
  };
  const { value, grads } = tf.valueAndGrads(loss)(weights);
  const [lr, momentum, weightDecay] = [0.1, 0.9, 1e-4].map((number) => tf.scalar(number));
  const moved = weights.map((w, i) => sgdUpdate(w, tf.zerosLike(w), grads[i], { lr, momentum, weightDecay })[0]);
  return { loss: value, ...Object.fromEntries(moved.map((w, i) => [`w${i}`, w])) };
};

for (const [height, width, channels, classes] of [
  [28, 28, 1, 47],
  [32, 32, 3, 10],
  [17, 40, 4, 3],
]) {
  const last = (height >> 3) * (width >> 3) * 20;
  test(`images of ${height}×${width}×${channels}, ${classes} classes: a step compiled as op by op`, () => {
    const inputs = randoms([3, height, width, channels], ...filters(channels, classes, last));
    const { first, again, eager } = compiledAndEager(step, inputs);
    for (const key of Object.keys(eager)) {
      const off = relativeError(first[key], eager[key]);
      assert.ok(off < 1e-4, `${key} is off by ${off.toExponential(1)}`);
    }
    const program = compile({ step }, { precision: 'bfloat16' });
    const low = program.step(...inputs);
    program.dispose();
    assert.ok(relativeError(low.loss, eager.loss) < 0.02, 'in bfloat16');
    tf.dispose([inputs, first, again, eager, low]);
  });
}
