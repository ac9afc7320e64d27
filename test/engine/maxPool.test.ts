import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { CUSTOM_OPS } from 'cifar10/engine';
import { compiledAndEager, opsOf, randoms, skip } from './customOps';

const pool =
  (size = 2, strides = 2, padding: 'valid' | 'same' = 'valid') =>
  (x: tf.Tensor) =>
    tf.maxPool(x as tf.Tensor4D, size, strides, padding);
/** Max pooling and its gradient. */
const step =
  (f = pool()) =>
  (x: tf.Tensor, dy: tf.Tensor) => ({ y: f(x), dx: tf.grad(f)(x, dy) });

for (const shape of [
  [1, 2, 2, 1],
  [3, 4, 6, 5],
  [17, 8, 10, 16],
  [2, 2, 2, 300],
]) {
  const small = [shape[0], shape[1] / 2, shape[2] / 2, shape[3]];
  for (const padding of ['valid', 'same'] as const) {
    test(`[${shape.join()}], ${padding}: TensorFlow's max pooling, to the last bit`, { skip }, () => {
      const inputs = randoms(shape, small);
      // Many ties, as after a ReLU: the first of the largest gets the gradient.
      inputs.splice(
        0,
        1,
        tf.tidy(() => tf.relu(inputs[0].mul(2).round())),
      );
      const f = step(pool(2, 2, padding));
      assert.ok(opsOf(f, shape, small).includes(CUSTOM_OPS.maxPoolGrad));
      const { first, again, eager } = compiledAndEager(f, inputs);
      for (const name of ['y', 'dx'] as const) {
        assert.deepEqual(first[name].shape, eager[name].shape, name);
        assert.deepEqual(first[name].dataSync(), eager[name].dataSync(), name);
      }
      tf.dispose([inputs, first, again, eager]);
    });
  }
}

test('its gradient is computed in place of x only if nothing else uses x', { skip }, () => {
  const withX = (...inputs: tf.Tensor[]) => {
    const x = tf.mul(inputs[0], 2);
    return { ...step()(x, inputs[1]), x };
  };
  const inputs = randoms([3, 4, 6, 16], [3, 2, 3, 16]);
  const { first, again, eager } = compiledAndEager(withX, inputs);
  for (const name of ['x', 'dx'] as const) assert.deepEqual(first[name].dataSync(), eager[name].dataSync(), name);
  tf.dispose([inputs, first, again, eager]);
});

for (const channels of [16, 24, 5]) {
  test(`its gradient in place of x, ${channels} channels: the same to the last bit`, { skip }, () => {
    // Nothing else uses the product.
    const gradient = (x: tf.Tensor, dy: tf.Tensor) => ({ dx: tf.grad(pool())(tf.mul(x, 2), dy) });
    const inputs = randoms([3, 4, 6, channels], [3, 2, 3, channels]);
    const { first, again, eager } = compiledAndEager(gradient, inputs);
    assert.deepEqual(first.dx.dataSync(), eager.dx.dataSync());
    tf.dispose([inputs, first, again, eager]);
  });
}

test('NaN propagates from each place', { skip }, () => {
  for (let place = 0; place < 4; place++) {
    const x = tf.tensor4d(
      [1, 2, 3, 4].map((value, i) => (i === place ? NaN : value)),
      [1, 2, 2, 1],
    );
    const { first, again, eager } = compiledAndEager((x) => ({ y: pool()(x) }), [x]);
    assert.ok(Number.isNaN(first.y.dataSync()[0]), `at ${place}`);
    tf.dispose([x, first, again, eager]);
  }
});

const others: [string, ReturnType<typeof pool>, number[], number[]][] = [
  ['3×3', pool(3, 2), [2, 7, 7, 4], [2, 3, 3, 4]],
  ['stride 1', pool(2, 1), [2, 4, 4, 4], [2, 3, 3, 4]],
  ['odd sides', pool(), [2, 5, 4, 4], [2, 2, 2, 4]],
  ['no images', pool(), [0, 8, 8, 16], [0, 4, 4, 16]],
  ['no images, 3×3', pool(3, 2), [0, 7, 7, 4], [0, 3, 3, 4]],
];
for (const [name, f, large, small] of others) {
  test(`${name}: TensorFlow's own stays`, { skip }, () => {
    const found = opsOf(step(f), large, small);
    assert.ok(found.includes('MaxPool') && !found.some((op) => op.startsWith('Cifar10')));
    const inputs = randoms(large, small);
    const { first, again, eager } = compiledAndEager(step(f), inputs);
    for (const name of ['y', 'dx'] as const) {
      assert.deepEqual(first[name].shape, eager[name].shape, name);
      // Where windows overlap, gradients are summed in another order.
      const expected = eager[name].dataSync();
      assert.ok(
        first[name].dataSync().every((value, i) => Math.abs(value - expected[i]) < 1e-5),
        name,
      );
    }
    tf.dispose([inputs, first, again, eager]);
  });
}
