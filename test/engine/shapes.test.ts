import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compiledAndEager, randoms } from './customOps';

/** A function's value, and its gradients. */
const withGradients = (f: (...inputs: tf.Tensor[]) => tf.Tensor) => {
  return (...inputs: tf.Tensor[]): Record<string, tf.Tensor> => {
    const gradients = tf.grads((...args: tf.Tensor[]) => tf.sum(tf.square(f(...args))))(inputs);
    return { y: f(...inputs), ...Object.fromEntries(gradients.map((gradient, i) => [`d${i}`, gradient])) };
  };
};

type Images = tf.Tensor4D;
const ops: { name: string; f: (...inputs: tf.Tensor[]) => Record<string, tf.Tensor>; shapes: number[][] }[] = [
  {
    name: 'concat and its gradient',
    f: withGradients((a, b) => tf.concat([a, b], 1)),
    shapes: [
      [2, 3],
      [2, 4],
    ],
  },
  {
    name: 'split',
    f: (x) => {
      const [a, b, c] = tf.split(x, [1, 3, 2], -1);
      return { a, b, c };
    },
    shapes: [[2, 6]],
  },
  ...(['same', 'valid'] as const).flatMap((padding) =>
    [1, 2].map((stride) => ({
      name: `depthwise convolution, ${padding}, stride ${stride}, and its gradients`,
      f: withGradients((x, w) => tf.depthwiseConv2d(x as Images, w as Images, stride, padding)),
      shapes: [
        [2, 7, 8, 3],
        [3, 3, 3, 2],
      ],
    })),
  ),
  { name: 'selu and its gradient', f: withGradients((x) => tf.selu(x)), shapes: [[4, 5]] },
  {
    name: 'nearest neighbours and their gradient',
    f: withGradients((x) => tf.image.resizeNearestNeighbor(x as Images, [6, 10])),
    shapes: [[2, 3, 5, 4]],
  },
  { name: 'the mean of what is true', f: (x) => ({ y: tf.mean(tf.greater(x, 0)) }), shapes: [[3, 5]] },
  {
    name: 'the mean of whole numbers',
    f: (x) => ({ y: tf.mean(tf.cast(tf.mul(x, 10), 'int32'), 1, true) }),
    shapes: [[3, 5]],
  },
];
for (const { name, f, shapes } of ops) {
  test(`compiled, ${name} has the shapes and values that it has op by op`, () => {
    const inputs = randoms(...shapes);
    const { first, again, eager } = compiledAndEager(f, inputs);
    for (const key of Object.keys(eager)) {
      assert.deepEqual(first[key].shape, eager[key].shape, key);
      const difference = tf.tidy(() => tf.max(tf.abs(tf.sub(first[key], eager[key]))).dataSync()[0]);
      assert.ok(difference < 1e-5, `${key} is off by ${difference}`);
    }
    tf.dispose([inputs, first, again, eager]);
  });
}
