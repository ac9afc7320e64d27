import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { CUSTOM_OPS, compile } from 'cifar10/engine';
import { compiledAndEager, opsOf, randoms, relativeError, skip } from './customOps';

type Filter = [height: number, width: number, inputs: number, outputs: number];
interface Case {
  /** [N, H, W, C] */
  readonly images: [number, number, number, number];
  readonly filter: Filter;
}

/** A convolution and both its gradients, as training has them. */
const convolve =
  (strides = 1, padding: 'same' | 'valid' = 'same') =>
  (x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor) => {
    const conv = (a: tf.Tensor, b: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, padding);
    const [dx, dfilter] = tf.grads(conv)([x, filter], dy);
    return { y: conv(x, filter), dx, dfilter };
  };

const ops = (fn: ReturnType<typeof convolve>, { images, filter }: Case, result: number[]): string[] =>
  opsOf(fn, images, filter, result);

const cases: Case[] = [
  { images: [2, 8, 8, 16], filter: [3, 3, 16, 16] },
  { images: [1, 4, 4, 32], filter: [3, 3, 32, 16] },
  { images: [3, 5, 9, 16], filter: [3, 3, 16, 48] },
  { images: [7, 7, 6, 48], filter: [3, 3, 48, 32] },
  { images: [37, 16, 16, 32], filter: [3, 3, 32, 64] },
  { images: [130, 8, 8, 128], filter: [3, 3, 128, 256] },
  { images: [33, 32, 32, 16], filter: [3, 3, 16, 16] },
  // 34 MB of results, forward and back: more than is written through the caches.
  { images: [72, 30, 31, 16], filter: [3, 3, 16, 128] },
  { images: [72, 30, 31, 128], filter: [3, 3, 128, 16] },
];
for (const { images, filter } of cases) {
  test(
    `[${images.join()}] with filters [${filter.join()}]: as TensorFlow's convolution and its gradients`,
    { skip },
    () => {
      const resultShape = [...images.slice(0, 3), filter[3]];
      const inputs = randoms(images, filter, resultShape);
      const { first, again, eager: expected } = compiledAndEager(convolve(), inputs);
      for (const name of ['y', 'dx', 'dfilter'] as const) {
        assert.deepEqual(first[name].shape, expected[name].shape, name);
        const error = relativeError(first[name], expected[name]);
        assert.ok(error < 5e-6, `${name} is off by ${error.toExponential(1)}`);
        assert.ok(error > 0, `${name} is TensorFlow's own to the last bit: was it Winograd's?`);
        assert.deepEqual(again[name].dataSync(), first[name].dataSync(), `${name} is the same each time`);
      }
      tf.dispose([inputs, first, again, expected]);
    },
  );
}

test('what lies beside an image is zero: a single pixel reaches its neighbours only', { skip }, () => {
  const x = tf
    .oneHot(tf.tensor1d([4 * 5 + 4], 'int32'), 25)
    .reshape([1, 5, 5, 1])
    .tile([1, 1, 1, 16]);
  const filter = tf.ones([3, 3, 16, 16]);
  const conv = (a: tf.Tensor) => ({ y: tf.conv2d(a as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same') });
  const program = compile({ conv }, { precision: 'float32' });
  const { y } = program.conv(x.toFloat());
  const reached = tf.tidy(() => [...y.slice([0, 0, 0, 0], [1, 5, 5, 1]).dataSync()].map((value) => Math.round(value)));
  assert.deepEqual(reached, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 16, 0, 0, 0, 16, 16]);
  program.dispose();
  tf.dispose([x, filter, y]);
});

test('takes the place of all three convolutions of a training step', { skip }, () => {
  const found = ops(convolve(), cases[0], [2, 8, 8, 16]);
  for (const op of [CUSTOM_OPS.winograd, CUSTOM_OPS.winogradBackpropInput, CUSTOM_OPS.winogradBackpropFilter])
    assert.ok(found.includes(op), op);
  assert.ok(!found.some((op) => op.startsWith('Conv2D')));
});

/** A convolution with a bias and a ReLU. */
const layer = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) => {
  const sum = tf.add(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'), bias);
  return { sum, y: tf.relu(sum) };
};

for (const { images, filter } of cases) {
  test(
    `[${images.join()}] with filters [${filter.join()}]: bias and ReLU are part of the convolution`,
    { skip },
    () => {
      const relu = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) => ({ y: layer(x, filter, bias).y });
      const shapes = [images, filter, [filter[3]]];
      const found = opsOf(relu, ...shapes);
      assert.ok(found.includes(CUSTOM_OPS.winogradBiasRelu) && !found.includes(CUSTOM_OPS.biasRelu));
      const inputs = randoms(...shapes);
      const { first, again, eager: expected } = compiledAndEager(relu, inputs);
      const error = relativeError(first.y, expected.y);
      assert.ok(error > 0 && error < 5e-6, `off by ${error.toExponential(1)}`);
      assert.deepEqual(again.y.dataSync(), first.y.dataSync(), 'the same each time');
      assert.ok(first.y.dataSync().every((value) => value >= 0));
      tf.dispose([inputs, first, again, expected]);
    },
  );
}

test('with a bias and a ReLU, NaN propagates', { skip }, () => {
  const inputs = [tf.fill([1, 4, 4, 16], NaN), tf.ones([3, 3, 16, 16]), tf.zeros([16])];
  const { first, again, eager } = compiledAndEager(layer, inputs);
  assert.ok(first.y.dataSync().every((value) => Number.isNaN(value)));
  tf.dispose([inputs, first, again, eager]);
});

test('a sum that others need, too, is computed once', { skip }, () => {
  const shapes = [[2, 8, 8, 16], [3, 3, 16, 16], [16]];
  const found = opsOf(layer, ...shapes);
  assert.ok(found.includes(CUSTOM_OPS.winograd) && !found.includes(CUSTOM_OPS.winogradBiasRelu));
  const inputs = randoms(...shapes);
  const { first, again, eager } = compiledAndEager(layer, inputs);
  for (const name of ['sum', 'y'] as const) assert.ok(relativeError(first[name], eager[name]) < 5e-6, name);
  tf.dispose([inputs, first, again, eager]);
});

const others: [string, ReturnType<typeof convolve>, Case, number[]][] = [
  ['stride 2', convolve(2), cases[0], [2, 4, 4, 16]],
  ['no padding', convolve(1, 'valid'), cases[0], [2, 6, 6, 16]],
  ['5×5 filters', convolve(), { images: [2, 8, 8, 16], filter: [5, 5, 16, 16] }, [2, 8, 8, 16]],
  ['three input channels', convolve(), { images: [2, 8, 8, 3], filter: [3, 3, 3, 16] }, [2, 8, 8, 16]],
  ['24 output channels', convolve(), { images: [2, 8, 8, 16], filter: [3, 3, 16, 24] }, [2, 8, 8, 24]],
  ['no images', convolve(), { images: [0, 8, 8, 16], filter: [3, 3, 16, 16] }, [0, 8, 8, 16]],
  ['no filters', convolve(), { images: cases[0].images, filter: [3, 3, 16, 0] }, [2, 8, 8, 0]],
  ['images of 2×2', convolve(), { images: [2, 2, 2, 16], filter: [3, 3, 16, 16] }, [2, 2, 2, 16]],
];
for (const [name, fn, example, result] of others) {
  test(`${name}: TensorFlow's own convolution stays`, { skip }, () => {
    const found = ops(fn, example, result);
    assert.ok(found.some((op) => op.startsWith('Conv2D')));
    assert.ok(!found.some((op) => op.startsWith(CUSTOM_OPS.winograd)));
  });
}

test('a size that does not fit is refused, as it is outside a graph', { skip }, () => {
  const larger = (dy: tf.Tensor, filter: tf.Tensor) => ({
    x: tf.conv2dTranspose(dy as tf.Tensor4D, filter as tf.Tensor4D, [2, 9, 9, 16], 1, 'same'),
  });
  const [dy, filter] = [tf.ones([2, 8, 8, 16]), tf.ones([3, 3, 16, 16])];
  const program = compile({ larger }, { precision: 'float32' });
  assert.throws(() => program.larger(dy, filter));
  program.dispose();
  tf.dispose([dy, filter]);
});
