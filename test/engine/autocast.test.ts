import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import {
  batchNormTraining,
  compile,
  createGraph,
  DataType,
  prepareEngine,
  randomUniform,
  toBfloat16,
  trace,
  type TensorFunction,
} from 'cifar10/engine';
import { randoms, relativeError } from './customOps';

type Images = tf.Tensor4D;

/** For each node of a function's graph in bfloat16: its op, and whether its first output is bfloat16. */
function lowered(fn: TensorFunction, ...shapes: number[][]): { op: string; isLow: boolean }[] {
  prepareEngine();
  const graph = createGraph();
  const types = shapes.map((shape) => ({ dtype: DataType.float32, shape }));
  trace(fn, types, graph, new Map(), 'f');
  return toBfloat16(graph).nodes.map(({ op, outputs }) => ({ op, isLow: outputs[0]?.dtype === DataType.bfloat16 }));
}

/** A function's results in bfloat16 against float32: the largest relative error. */
function error(fn: TensorFunction, inputs: tf.Tensor[]): number {
  const [low, high] = (['bfloat16', 'float32'] as const).map((precision) => {
    const program = compile({ fn }, { precision });
    const results = program.fn(...inputs);
    program.dispose();
    return results;
  });
  const errors = Object.keys(high).map((key) => relativeError(low[key], high[key]));
  tf.dispose([low, high]);
  return Math.max(...errors);
}

const convolve = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as Images, w as Images, 1, 'same');
const norm = (x: tf.Tensor): tf.Tensor => {
  const channels = x.shape[3]!;
  const [ones, zeros] = [tf.ones<tf.Rank.R1>([channels]), tf.zeros<tf.Rank.R1>([channels])];
  const options = { epsilon: 1e-5, momentum: 0.1 };
  return batchNormTraining(x as Images, ones, zeros, { mean: zeros, variance: ones }, options, () => {});
};
/** A residual block: x + ReLU(norm(conv(ReLU(norm(conv(x)))))). */
const block = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => {
  const once = (x: tf.Tensor) => tf.relu(norm(convolve(x, w)));
  return tf.add(x, once(once(x)));
};
const residual = (x: tf.Tensor, w: tf.Tensor) => {
  const loss = (x: tf.Tensor, w: tf.Tensor) =>
    tf.sum(tf.square(tf.mean(convolve(block(convolve(x, w), w), w), [1, 2])));
  const [dx, dw] = tf.grads(loss)([x, w]);
  return { dx, dw };
};

test('in bfloat16 a sum over many rows is as close as the rows are: the gradient of a bias', () => {
  const rows = 2 ** 17;
  const [x, w, dy] = randoms([rows, 4], [4, 8], [rows, 8]);
  const b = tf.ones([8]);
  const gradients = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, dy: tf.Tensor) => {
    const layer = (b: tf.Tensor) => tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b));
    return { db: tf.grad(layer)(b, tf.abs(dy)) };
  };
  const off = error(gradients, [x, w, b, dy]);
  assert.ok(off < 0.01, `off by ${off.toExponential(1)}`);
  tf.dispose([x, w, b, dy]);
});

test('a residual block stays in bfloat16: forward, and its gradient; only the mean at its end is in float32', () => {
  const nodes = lowered(residual, [4, 8, 8, 16], [3, 3, 16, 16]);
  const isLow = (op: string) => nodes.filter((node) => node.op === op).map((node) => node.isLow);
  // The block's sum, and that of the gradients that meet at its beginning; the weights' four gradients meet in float32.
  assert.deepEqual(isLow('AddV2').concat(isLow('Add')).sort(), [false, false, false, true, true]);
  assert.ok([...isLow('Relu'), ...isLow('ReluGrad'), ...isLow('FusedBatchNormV3')].every(Boolean));
  assert.deepEqual(isLow('Mean'), [false]);
  const inputs = randoms([4, 8, 8, 16], [3, 3, 16, 16]);
  const off = error(residual, inputs);
  assert.ok(off < 0.05, `off by ${off.toExponential(1)}`);
  tf.dispose(inputs);
});

const factors: { name: string; f: (x: tf.Tensor) => tf.Tensor; isLow: boolean }[] = [
  {
    name: "a dropout's mask",
    f: (x) => {
      const mask = tf.cast(tf.greaterEqual(randomUniform(x.shape, tf.tensor1d([1, 2], 'int32')), 0.4), 'float32');
      return tf.mul(x, tf.div(mask, tf.sub(1, 0.4)));
    },
    isLow: true,
  },
  {
    name: 'the weights of squeeze and excitation',
    f: (x) => tf.mul(x, tf.sigmoid(tf.mean(x, [1, 2], true))),
    isLow: false,
  },
  { name: 'a variable of each channel', f: (x) => tf.mul(x, tf.linspace(0, 1, 16)), isLow: false },
  { name: 'a number', f: (x) => tf.mul(x, 0.125), isLow: false },
];
for (const { name, f, isLow } of factors) {
  test(`${name}: a factor in ${isLow ? 'bfloat16' : 'float32'}`, () => {
    const fn = (x: tf.Tensor, w: tf.Tensor) => ({ y: convolve(f(convolve(x, w)), w) });
    const nodes = lowered(fn, [4, 8, 8, 16], [3, 3, 16, 16]);
    assert.deepEqual(nodes.filter(({ op }) => op === 'Mul').map((node) => node.isLow), [isLow]); // prettier-ignore
    const inputs = randoms([4, 8, 8, 16], [3, 3, 16, 16]);
    assert.ok(error(fn, inputs) < 0.02);
    tf.dispose(inputs);
  });
}

const between: { name: string; f: (x: tf.Tensor) => tf.Tensor; op: string; isLow: boolean }[] = [
  { name: 'a concatenation', f: (x) => tf.concat([x, tf.relu(x)], 0), op: 'ConcatV2', isLow: true },
  { name: 'average pooling of 2×2', f: (x) => tf.avgPool(x as Images, 2, 2, 'same'), op: 'AvgPool', isLow: true },
  { name: 'average pooling of 8×8', f: (x) => tf.avgPool(x as Images, 8, 8, 'same'), op: 'AvgPool', isLow: false },
  { name: 'a border', f: (x) => tf.pad(x as Images, [[0, 0], [1, 1], [1, 1], [0, 0]]), op: 'PadV2', isLow: true }, // prettier-ignore
  { name: 'a sum of three', f: (x) => tf.addN([x, tf.relu(x), x]), op: 'AddN', isLow: true },
  { name: 'a sum with a constant', f: (x) => tf.add(x, tf.ones(x.shape)), op: 'AddV2', isLow: false },
];
for (const { name, f, op, isLow } of between) {
  test(`${name} between two convolutions is in ${isLow ? 'bfloat16' : 'float32'}, and so is its gradient`, () => {
    const forward = (x: tf.Tensor, w: tf.Tensor) => convolve(f(convolve(x, w)), w);
    const fn = (x: tf.Tensor, w: tf.Tensor) => {
      const [dx, dw] = tf.grads((x: tf.Tensor, w: tf.Tensor) => tf.sum(tf.square(forward(x, w))))([x, w]);
      return { y: forward(x, w), dx, dw };
    };
    const found = lowered((x, w) => ({ y: forward(x, w) }), [4, 8, 8, 16], [3, 3, 16, 16]);
    assert.deepEqual(
      found.filter((node) => node.op === op || (op === 'AddV2' && node.op === 'Add')).map((node) => node.isLow),
      [isLow],
    );
    const inputs = randoms([4, 8, 8, 16], [3, 3, 16, 16]);
    const off = error(fn, inputs);
    assert.ok(off < 0.03, `off by ${off.toExponential(1)}`);
    tf.dispose(inputs);
  });
}

test('attention in bfloat16: products of batches, with the softmax between them in float32', () => {
  const attention = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => ({
    y: tf.matMul(tf.softmax(tf.div(tf.matMul(q, k, false, true), 4)), v),
  });
  const nodes = lowered(attention, [4, 9, 16], [4, 9, 16], [4, 9, 16]);
  const isLow = (op: string) => nodes.filter((node) => node.op === op).map((node) => node.isLow);
  assert.deepEqual([isLow('BatchMatMulV2'), isLow('Softmax')], [[true, true], [false]]);
  const inputs = randoms([4, 9, 16], [4, 9, 16], [4, 9, 16]);
  assert.ok(error(attention, inputs) < 0.02);
  tf.dispose(inputs);
});

test('what an optimizer makes of gradients is in float32', () => {
  const step = (x: tf.Tensor, w: tf.Tensor) => {
    const dw = tf.grad((w) => tf.sum(tf.square(convolve(x, w))))(w);
    return { square: tf.mul(dw, dw), sum: tf.add(dw, dw), slice: tf.slice(dw, 0, 1) };
  };
  const nodes = lowered(step, [4, 8, 8, 16], [3, 3, 16, 16]);
  for (const op of ['Mul', 'Add', 'AddV2', 'Slice']) assert.ok(!nodes.some((node) => node.op === op && node.isLow), op);
});
