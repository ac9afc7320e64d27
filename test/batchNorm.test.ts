import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compile } from 'cifar10';
import { toBfloat16 } from 'cifar10/dist/tensor/autocast';
import { DataType } from 'cifar10/dist/tensor/backend';
import { createGraph } from 'cifar10/dist/tensor/graph';
import { batchNormTraining, type NormStatistics } from 'cifar10/dist/tensor/kernels';
import { trace } from 'cifar10/dist/tensor/trace';
import { compiledAndEager, opsOf, randoms, relativeError, skip } from './ownOps';

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
    result.variance[c] = (1 - MOMENTUM) * runningVariance[c] + (MOMENTUM * squares) / (count - 1);
  }
  return result;
}

for (const shape of [
  [4, 2, 1, 5],
  [4, 5, 5, 3],
  [33, 16, 16, 24],
  [8, 4, 4, 40_000],
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
      const error = relativeError(first[name], right);
      assert.ok(error < 2e-5, `${name} is off by ${error.toExponential(1)}`);
      assert.deepEqual(again[name].dataSync(), first[name].dataSync(), `${name} is the same each time`);
      assert.deepEqual(eager[name].dataSync(), first[name].dataSync(), `${name} is the same op by op`);
      right.dispose();
    }
    tf.dispose([inputs, first, again, eager]);
  });
}

test('is our op, forward and back', { skip }, () => {
  const found = opsOf(step, ...shapesOf([2, 4, 4, 8]));
  for (const op of ['BatchNorm', 'BatchNormGrad']) assert.ok(found.includes(op), op);
});

test('in bfloat16 it is TensorFlow’s, and close to ours', { skip }, () => {
  const shapes = shapesOf([8, 6, 6, 16]);
  const graph = createGraph();
  trace(
    step,
    shapes.map((shape) => ({ dtype: DataType.float32, shape })),
    graph,
    new Map(),
    'step',
  );
  const found = toBfloat16(graph).nodes.map(({ op }) => op);
  for (const op of ['FusedBatchNormV3', 'FusedBatchNormGradV3']) assert.ok(found.includes(op), op);
  assert.ok(!found.some((op) => op.startsWith('BatchNorm')));

  const inputs = randoms(...shapes);
  const [ours, theirs] = (['float32', 'bfloat16'] as const).map((precision) => {
    const program = compile({ step }, { precision });
    const results = program.step(...inputs);
    program.dispose();
    return results;
  });
  for (const name of NAMES) {
    const error = relativeError(theirs[name], ours[name]);
    assert.ok(error < 1e-4, `${name} is off by ${error.toExponential(1)}`);
  }
  tf.dispose([inputs, ours, theirs]);
});
