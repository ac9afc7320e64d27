import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { CUSTOM_OPS, toBfloat16, compile } from 'cifar10/engine';
import { batchNormTraining, type NormStatistics } from 'cifar10/engine';
import { DataType } from 'cifar10/engine';
import { createGraph } from 'cifar10/engine';
import { trace } from 'cifar10/engine';
import { compiledAndEager, opsOf, randoms, relativeError, skip } from './customOps';

const [EPSILON, MOMENTUM] = [1e-3, 0.2];
const NAMES = ['y', 'mean', 'variance', 'dx', 'dgamma', 'dbeta'] as const;
type Results = Record<(typeof NAMES)[number], tf.Tensor>;

/** A batch norm's output, new running statistics and gradients. */
const step = (...[x, gamma, beta, mean, variance, dy]: tf.Tensor[]): Results => {
  let running: NormStatistics | undefined;
  const norm = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor =>
    batchNormTraining(
      x as tf.Tensor4D,
      gamma as tf.Tensor1D,
      beta as tf.Tensor1D,
      { mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D },
      { epsilon: EPSILON, momentum: MOMENTUM },
      // What is not kept ends with the norm.
      (now) => (running ??= { mean: tf.keep(now.mean.clone()), variance: tf.keep(now.variance.clone()) }),
    );
  const y = norm(x, gamma, beta);
  const [dx, dgamma, dbeta] = tf.grads(norm)([x, gamma, beta], dy);
  return { y, ...running!, dx, dgamma, dbeta };
};
const shapesOf = (shape: number[]) => [shape, ...Array<number[]>(4).fill(shape.slice(-1)), shape];

/** The same by its definition, in double. */
function byDefinition(inputs: tf.Tensor[]): Record<(typeof NAMES)[number], Float64Array> {
  const [x, gamma, beta, runningMean, runningVariance, dy] = inputs.map((tensor) =>
    Float64Array.from(tensor.dataSync()),
  );
  const channels = gamma.length;
  const count = x.length / channels;
  const result = {
    y: new Float64Array(x.length),
    dx: new Float64Array(x.length),
    ...{ mean: new Float64Array(channels), variance: new Float64Array(channels) },
    ...{ dgamma: new Float64Array(channels), dbeta: new Float64Array(channels) },
  };
  for (let c = 0; c < channels; c++) {
    const pixels = Array.from({ length: count }, (_, p) => p * channels + c);
    const mean = pixels.reduce((sum, i) => sum + x[i], 0) / count;
    const squares = pixels.reduce((sum, i) => sum + (x[i] - mean) ** 2, 0);
    const deviation = Math.sqrt(squares / count + EPSILON);
    const normed = (i: number) => (x[i] - mean) / deviation;
    for (const i of pixels) {
      result.y[i] = gamma[c] * normed(i) + beta[c];
      result.dbeta[c] += dy[i];
      result.dgamma[c] += dy[i] * normed(i);
    }
    for (const i of pixels) {
      result.dx[i] =
        (gamma[c] / deviation) * (dy[i] - result.dbeta[c] / count - (normed(i) * result.dgamma[c]) / count);
    }
    result.mean[c] = (1 - MOMENTUM) * runningMean[c] + MOMENTUM * mean;
    result.variance[c] = (1 - MOMENTUM) * runningVariance[c] + (MOMENTUM * squares) / Math.max(1, count - 1);
  }
  return result;
}

const rootMeanSquare = (x: tf.Tensor): number => tf.tidy(() => x.square().mean().sqrt().dataSync()[0]);

for (const shape of [
  [4, 2, 1, 5],
  [4, 5, 5, 3],
  [33, 16, 16, 24],
  [8, 4, 4, 40_000],
  [64, 32, 32, 1],
  [64, 32, 32, 2],
  // 34 MB: more than is written through the caches.
  [72, 30, 31, 128],
]) {
  test(`[${shape.join()}]: output, running statistics and gradients as by definition`, { skip }, () => {
    const inputs = randoms(...shapesOf(shape));
    // Far from zero, where a variance from the sum of squares would be worth nothing.
    inputs.splice(
      0,
      1,
      tf.tidy(() => inputs[0].mul(3).add(100)),
    );
    const expected = byDefinition(inputs);
    const { first, again, eager } = compiledAndEager(step, inputs);
    for (const name of NAMES) {
      const right = tf.tensor(Float32Array.from(expected[name]), first[name].shape);
      // A sum of numbers of both signs is rounded by its terms, however small it is.
      const scale = name === 'dgamma' || name === 'dbeta' ? Math.sqrt(inputs[0].size / shape[3]) : 1;
      const error = rootMeanSquare(tf.sub(first[name], right)) / Math.max(scale, rootMeanSquare(right));
      assert.ok(error < 1e-5, `${name} is off by ${error.toExponential(1)}`);
      assert.deepEqual(again[name].dataSync(), first[name].dataSync(), `${name} is the same each time`);
      assert.deepEqual(eager[name].dataSync(), first[name].dataSync(), `${name} is the same op by op`);
      right.dispose();
    }
    tf.dispose([inputs, first, again, eager]);
  });
}

test('its gradient is computed in place of dy only if nothing else uses dy', { skip }, () => {
  const withDy = (...inputs: tf.Tensor[]) => {
    const dy = tf.mul(inputs[5], 2);
    return { ...step(...inputs.slice(0, 5), dy), dy };
  };
  const inputs = randoms(...shapesOf([3, 4, 4, 16]));
  const { first, again, eager } = compiledAndEager(withDy, inputs);
  for (const name of ['dy', 'dx'] as const) assert.deepEqual(first[name].dataSync(), eager[name].dataSync(), name);
  tf.dispose([inputs, first, again, eager]);
});

for (const channels of [16, 24, 5]) {
  test(`its gradient in place of dy, ${channels} channels: the same to the last bit`, { skip }, () => {
    // Nothing else uses the product.
    const withinStep = (...inputs: tf.Tensor[]) => step(...inputs.slice(0, 5), tf.mul(inputs[5], 2));
    const inputs = randoms(...shapesOf([3, 4, 4, channels]));
    const { first, again, eager } = compiledAndEager(withinStep, inputs);
    for (const name of NAMES) assert.deepEqual(first[name].dataSync(), eager[name].dataSync(), name);
    tf.dispose([inputs, first, again, eager]);
  });
}

test('is our op, forward and back', { skip }, () => {
  const found = opsOf(step, ...shapesOf([2, 4, 4, 8]));
  for (const op of [CUSTOM_OPS.batchNorm, CUSTOM_OPS.batchNormGrad]) assert.ok(found.includes(op), op);
});

test('a single pixel: its variance is 0, as TensorFlow has it', { skip }, () => {
  const inputs = randoms(...shapesOf([1, 1, 1, 3]));
  const { first, again, eager } = compiledAndEager(step, inputs);
  const expected = byDefinition(inputs);
  for (const name of ['y', 'mean', 'variance', 'dbeta'] as const) {
    [...first[name].dataSync()].forEach((value, i) => assert.ok(Math.abs(value - expected[name][i]) < 1e-6, name));
  }
  tf.dispose([inputs, first, again, eager]);
});

test('a channel in which all pixels are alike becomes beta', { skip }, () => {
  for (const channels of [1, 3, 16]) {
    const shape = [64, 32, 32, channels];
    const inputs = randoms(...shapesOf(shape));
    inputs.splice(0, 1, tf.fill(shape, 0.7));
    const { first, again, eager } = compiledAndEager(step, inputs);
    const error = tf.tidy(() => tf.sub(first.y, inputs[2]).abs().max().dataSync()[0]);
    assert.ok(error < 1e-5, `${channels} channels: off by ${error}`);
    tf.dispose([inputs, first, again, eager]);
  }
});

test('what does not fit is refused: no images, statistics of another length, a matrix', { skip }, () => {
  const call = (x: number[], statistics: number[]) => () =>
    tf.tidy(() => step(...randoms(x, statistics, statistics, statistics, statistics, x)));
  for (const [x, statistics] of [
    [[0, 4, 4, 3], [3]],
    [[2, 4, 4, 3], [2]],
    [[2, 4, 4, 0], [0]],
    [[8, 3], [3]],
  ]) {
    assert.throws(
      call(x, statistics),
      /BatchNorm: expected x \[N, H, W, C\]/,
      `[${x.join()}] with [${statistics.join()}]`,
    );
  }
});

test('says that it has no second derivative', () => {
  tf.tidy(() => {
    const [x, ones] = [tf.randomNormal([2, 2, 2, 3], 0, 1, 'float32', 3), tf.ones<tf.Rank.R1>([3])];
    const norm = (x: tf.Tensor) =>
      batchNormTraining(x as tf.Tensor4D, ones, ones, { mean: ones, variance: ones }, hyperparameters, () => {});
    const hyperparameters = { epsilon: 1e-5, momentum: 0.1 };
    assert.throws(() => tf.grad((x) => tf.sum(tf.square(tf.grad(norm)(x))))(x), /evaluation mode/);
  });
});

/** With convolutions on both sides, so that bfloat16 reaches the norm and its gradient. */
const convolved = (filter: tf.Tensor, ...[x, gamma, beta, mean, variance, dy]: tf.Tensor[]): Results => {
  const convolve = (images: tf.Tensor) => tf.conv2d(images as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same');
  return step(convolve(x), gamma, beta, mean, variance, convolve(dy));
};

test('in bfloat16 it is TensorFlow’s, on numbers of that type, and close to ours', { skip }, () => {
  const shapes = [[3, 3, 16, 16], ...shapesOf([8, 6, 6, 16])];
  const graph = createGraph();
  const types = shapes.map((shape) => ({ dtype: DataType.float32, shape }));
  trace(convolved, types, graph, new Map(), 'convolved');
  const { nodes } = toBfloat16(graph);
  for (const name of ['FusedBatchNormV3', 'FusedBatchNormGradV3']) {
    const norm = nodes.find(({ op }) => op === name);
    assert.deepEqual(norm?.attributes.T, { type: DataType.bfloat16 }, name);
    assert.deepEqual(norm?.attributes.U, { type: DataType.float32 }, name);
  }
  assert.ok(!nodes.some(({ op }) => op.startsWith(CUSTOM_OPS.batchNorm)));

  const inputs = randoms(...shapes);
  const [ours, theirs] = (['float32', 'bfloat16'] as const).map((precision) => {
    const program = compile({ convolved }, { precision });
    const results = program.convolved(inputs[0], ...inputs.slice(1));
    program.dispose();
    return results;
  });
  for (const name of NAMES) {
    const error = relativeError(theirs[name], ours[name]);
    assert.ok(error < 0.02, `${name} is off by ${error.toExponential(1)}`);
    if (name !== 'dbeta') assert.ok(error > 1e-5, `${name} is float32's: was it bfloat16?`);
  }
  tf.dispose([inputs, ours, theirs]);
});
