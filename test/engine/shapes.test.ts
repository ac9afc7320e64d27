// What readers write in their own optimizers, losses, layers and augmentations: compiled, as op by op; gradients as finite
// differences.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { close, numericalGradient } from '../numbers';
import { compiledAndEager, randoms } from './customOps';

type Fn = (...inputs: tf.Tensor[]) => tf.Tensor;
type Images = tf.Tensor4D;
interface Case {
  name: string;
  f: Fn;
  shapes: number[][];
  /** Of the inputs: away from where a function is not smooth or not defined. */
  inputs?: (x: tf.Tensor) => tf.Tensor;
}
const positive = (x: tf.Tensor) => tf.add(tf.abs(x), 0.5);
const inside = (x: tf.Tensor) => tf.mul(0.9, tf.tanh(x));

const [vector, matrix, images] = [[6], [4, 6], [2, 6, 8, 3]];

const smooth: Case[] = [
  ...(
    [
      ['erf, as in gelu', tf.erf],
      ['gelu', (x) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.div(x, Math.SQRT2))))],
      ['tanh', tf.tanh],
      ['sigmoid', tf.sigmoid],
      ['softplus', tf.softplus],
      ['elu', tf.elu],
      ['selu', tf.selu],
      ['swish', (x) => tf.mul(x, tf.sigmoid(x))],
      ['softmax', (x) => tf.softmax(x)],
      ['log softmax', (x) => tf.logSoftmax(x)],
      ['log sum exp', (x) => tf.logSumExp(x, -1)],
      ['focal loss', (x) => tf.neg(tf.mul(tf.pow(tf.sub(1, tf.softmax(x)), 2), tf.log(tf.softmax(x))))],
      ['sin, cos and tan', (x) => tf.add(tf.sin(x), tf.mul(tf.cos(x), tf.tan(tf.div(x, 4))))],
      ['sinh, cosh, asinh and atan', (x) => tf.add(tf.add(tf.sinh(x), tf.cosh(x)), tf.add(tf.asinh(x), tf.atan(x)))],
      ['cumsum', (x) => tf.cumsum(x, 1)],

      [
        'layer norm',
        (x) => {
          const { mean, variance } = tf.moments(x, -1, true);
          return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3)));
        },
      ],
      ['gather', (x) => tf.gather(x, tf.tensor1d([3, 0, 3], 'int32'))],
      ['gather along the last axis', (x) => tf.gather(x, tf.tensor1d([5, 1, 1], 'int32'), 1)],
      ['stack and unstack', (x) => tf.stack(tf.unstack(x, 1), 0)],
      ['tile', (x) => tf.tile(x, [2, 1])],
      ['reverse', (x) => tf.mul(tf.reverse(x, 1), x)],

      ['norm', (x) => tf.norm(x)],
      ['standard deviation', (x) => tf.sqrt(tf.moments(x, 0).variance)],
      ['expand and squeeze', (x) => tf.squeeze(tf.mul(tf.expandDims(x, 1), 2))],
      ['where', (x) => tf.where(tf.greater(x, 0), tf.square(x), tf.mul(x, 3))],
      ['product', (x) => tf.prod(x, 1)],
    ] as [string, Fn][]
  ).map(([name, f]) => ({ name, f, shapes: [matrix] })),
  {
    name: 'log, log1p and reciprocal',
    f: (x) => tf.add(tf.log(x), tf.mul(tf.log1p(x), tf.reciprocal(x))),
    shapes: [matrix],
    inputs: positive,
  },
  { name: 'sqrt and rsqrt', f: (x) => tf.mul(tf.sqrt(x), tf.rsqrt(tf.add(x, 1))), shapes: [matrix], inputs: positive },
  {
    name: 'asin, acos and atanh',
    f: (x) => tf.add(tf.asin(x), tf.mul(tf.acos(x), tf.atanh(x))),
    shapes: [matrix],
    inputs: inside,
  },
  { name: 'acosh', f: (x) => tf.acosh(tf.add(x, 1)), shapes: [matrix], inputs: positive },
  { name: 'pow of two tensors', f: (x, y) => tf.pow(x, y), shapes: [matrix, vector], inputs: positive },
  { name: 'atan2', f: (x, y) => tf.atan2(x, y), shapes: [matrix, vector], inputs: positive },
  { name: 'maximum and minimum', f: (x, y) => tf.maximum(tf.minimum(x, y), tf.mul(y, 0.5)), shapes: [matrix, matrix] },
  {
    name: 'relu6, leaky and parametric relu',
    f: (x, a) => tf.add(tf.relu6(x), tf.add(tf.leakyRelu(x, 0.1), tf.prelu(x, a))),
    shapes: [matrix, vector],
  },
  { name: 'addN', f: (x, y) => tf.addN([x, y, tf.square(x)]), shapes: [matrix, matrix] },
  {
    name: 'concat',
    f: (a, b) => tf.concat([a, b], 1),
    shapes: [
      [2, 3],
      [2, 4],
    ],
  },
  { name: 'split', f: (x) => tf.mul(...(tf.split(x, 2, 1) as [tf.Tensor, tf.Tensor])), shapes: [matrix] },
  { name: 'dot', f: (x, y) => tf.dot(x, y), shapes: [matrix, vector] },
  {
    name: 'matMul of batches',
    f: (a, b) => tf.matMul(a, b),
    shapes: [
      [2, 3, 4, 5],
      [2, 3, 5, 2],
    ],
  },
  {
    name: 'matMul of batches, transposed',
    f: (a, b) => tf.matMul(a, b, true, true),
    shapes: [
      [3, 4, 5],
      [3, 2, 4],
    ],
  },
  {
    name: 'attention',
    f: (q, k, v) => tf.matMul(tf.softmax(tf.div(tf.matMul(q, k, false, true), Math.sqrt(4))), v),
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
      [2, 5, 4],
    ],
  },
  {
    name: 'heads: reshape and transpose',
    f: (x) => tf.transpose(tf.reshape(x, [4, 2, 3]), [1, 0, 2]),
    shapes: [matrix],
  },
  { name: 'global average pooling', f: (x) => tf.mean(x, [1, 2]), shapes: [images] },
  { name: 'global max pooling', f: (x) => tf.max(x, [1, 2]), shapes: [[2, 3, 3, 2]] },
  ...(['same', 'valid'] as const).flatMap((pad) => [
    {
      name: `average pooling, ${pad}`,
      f: (x: tf.Tensor) => tf.avgPool(x as Images, 3, 2, pad),
      shapes: [[2, 5, 6, 2]],
    },
    {
      name: `max pooling 3×3, ${pad}`,
      f: (x: tf.Tensor) => tf.maxPool(x as Images, 3, 2, pad),
      shapes: [[1, 5, 6, 2]],
    },
    ...[1, 2].flatMap((stride) => [
      {
        name: `convolution, ${pad}, stride ${stride}`,
        f: (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as Images, w as Images, stride, pad),
        shapes: [
          [2, 5, 6, 2],
          [3, 3, 2, 3],
        ],
      },
      {
        name: `depthwise convolution, ${pad}, stride ${stride}`,
        f: (x: tf.Tensor, w: tf.Tensor) => tf.depthwiseConv2d(x as Images, w as Images, stride, pad),
        shapes: [
          [2, 5, 6, 2],
          [3, 3, 2, 2],
        ],
      },
    ]),
  ]),

  {
    name: 'convolution 1×1',
    f: (x, w) => tf.conv2d(x as Images, w as Images, 1, 'same'),
    shapes: [
      [2, 3, 4, 3],
      [1, 1, 3, 4],
    ],
  },
  {
    name: 'separable convolution',
    f: (x, d, p) => tf.separableConv2d(x as Images, d as Images, p as Images, 1, 'same'),
    shapes: [
      [1, 4, 4, 2],
      [3, 3, 2, 2],
      [1, 1, 4, 3],
    ],
  },
  {
    name: 'transposed convolution',
    f: (x, w) => tf.conv2dTranspose(x as Images, w as Images, [1, 6, 6, 2], 2, 'same'),
    shapes: [
      [1, 3, 3, 3],
      [3, 3, 2, 3],
    ],
  },
  { name: 'nearest neighbors', f: (x) => tf.image.resizeNearestNeighbor(x as Images, [6, 10]), shapes: [[1, 3, 5, 2]] },
  { name: 'bilinear resizing', f: (x) => tf.image.resizeBilinear(x as Images, [5, 7]), shapes: [[1, 3, 4, 2]] },
  {
    name: 'pad',
    f: (x) =>
      tf.pad(x, [
        [1, 2],
        [0, 3],
      ]),
    shapes: [matrix],
  },

  {
    name: 'squeeze and excite',
    f: (x, w) =>
      tf.mul(x, tf.sigmoid(tf.reshape(tf.matMul(tf.mean<tf.Tensor2D>(x, [1, 2]), w as tf.Tensor2D), [2, 1, 1, 3]))),
    shapes: [
      [2, 3, 3, 3],
      [3, 3],
    ],
  },
  {
    name: 'local response normalization',
    f: (x) => tf.localResponseNormalization(x as Images, 2),
    shapes: [[1, 2, 2, 5]],
  },
];

for (const { name, f, shapes, inputs: prepare = (x: tf.Tensor) => x } of smooth) {
  test(`${name}: compiled as op by op, gradients as finite differences`, () => {
    const raw = randoms(...shapes);
    const inputs = raw.map((x) => tf.tidy(() => prepare(x)));
    const total = (...args: tf.Tensor[]) => tf.sum(tf.mul(f(...args), tf.cos(tf.mul(f(...args), 0.3))));
    const fn = (...args: tf.Tensor[]): Record<string, tf.Tensor> => {
      const gradients = tf.grads(total)(args);
      return { y: f(...args), ...Object.fromEntries(gradients.map((gradient, i) => [`d${i}`, gradient])) };
    };
    const { first, again, eager } = compiledAndEager(fn, inputs);
    for (const key of Object.keys(eager)) {
      assert.deepEqual(first[key].shape, eager[key].shape, key);
      close(first[key].dataSync(), eager[key].dataSync(), 2e-5, key);
    }
    tf.tidy(() =>
      inputs.forEach((x, i) => {
        const at = (moved: tf.Tensor) => total(...inputs.map((other, j) => (j === i ? moved : other)));
        close(eager[`d${i}`].dataSync(), numericalGradient(at, x, 3e-3), 3e-2, `d${i}`);
      }),
    );
    tf.dispose([raw, inputs, first, again, eager]);
  });
}

const plain: { name: string; f: (...inputs: tf.Tensor[]) => Record<string, tf.Tensor>; shapes: number[][] }[] = [
  {
    name: 'sign, round, floor, ceil and abs',
    f: (x) => ({ a: tf.sign(x), b: tf.round(tf.mul(x, 3)), c: tf.floor(x), d: tf.ceil(x), e: tf.abs(x) }),
    shapes: [matrix],
  },
  { name: 'cumsum from the end, exclusive', f: (x) => ({ y: tf.cumsum(x, 0, true, true) }), shapes: [matrix] },
  { name: 'strided slice', f: (x) => ({ y: tf.stridedSlice(x, [0, 1], [4, 6], [2, 2]) }), shapes: [matrix] },
  {
    name: 'reflected pad',
    f: (x) => ({
      y: tf.mirrorPad(
        x,
        [
          [1, 2],
          [0, 3],
        ],
        'reflect',
      ),
    }),
    shapes: [matrix],
  },
  {
    name: 'dilated convolution',
    f: (x) => ({ y: tf.conv2d(x as Images, tf.ones([3, 3, 3, 2]), 1, 'same', 'NHWC', 2) }),
    shapes: [images],
  },
  { name: 'clip', f: (x) => ({ y: tf.clipByValue(x, -0.5, 0.7) }), shapes: [matrix] },
  { name: 'step', f: (x) => ({ y: tf.step(x, 0.3) }), shapes: [matrix] },
  {
    name: 'mod, floorDiv and squared difference',
    f: (x, y) => ({ a: tf.mod(x, y), b: tf.floorDiv(x, y), c: tf.squaredDifference(x, y) }),
    shapes: [matrix, vector],
  },
  {
    name: 'comparisons and logic',
    f: (x, y) => ({
      a: tf.cast(tf.logicalAnd(tf.greater(x, y), tf.notEqual(x, 0)), 'float32'),
      b: tf.logicalXor(tf.less(x, 0), tf.less(y, 0)),
      c: tf.any(tf.isNaN(x)),
    }),
    shapes: [matrix, vector],
  },
  {
    name: 'argMax, argMin and topk',
    f: (x) => ({ a: tf.argMax(x, 1), b: tf.argMin(x, 0), ...tf.topk(x, 3) }),
    shapes: [matrix],
  },
  { name: 'one hot of argMax', f: (x) => ({ y: tf.oneHot(tf.argMax<tf.Tensor1D>(x, 1), 6) }), shapes: [matrix] },
  {
    name: 'gather by computed indices',
    f: (x) => ({
      y: tf.gather(x, tf.argMax<tf.Tensor1D>(x, 0)),
      z: tf.gather(x, tf.expandDims<tf.Tensor2D>(tf.argMax(x, 1), 1), 1, 1),
    }),
    shapes: [[6, 6]],
  },
  {
    name: 'gatherND and scatterND',
    f: (x) => ({
      a: tf.gatherND(
        x,
        tf.tensor2d(
          [
            [0, 1],
            [3, 2],
          ],
          [2, 2],
          'int32',
        ),
      ),
      b: tf.scatterND(tf.tensor2d([[1], [3]], [2, 1], 'int32'), tf.slice(x, 0, 2), [5, 6]),
    }),
    shapes: [matrix],
  },
  {
    name: 'range and linspace',
    f: (x) => ({ y: tf.mul(tf.add(x, tf.range(0, 6)), tf.linspace(0, 1, 6)) }),
    shapes: [matrix],
  },
  {
    name: 'split into three',
    f: (x) => {
      const [a, b, c] = tf.split(x, [1, 3, 2], -1);
      return { a, b, c };
    },
    shapes: [[2, 6]],
  },
  { name: 'the mean of booleans', f: (x) => ({ y: tf.mean(tf.greater(x, 0)) }), shapes: [[3, 5]] },
  {
    name: 'the mean of integers',
    f: (x) => ({ y: tf.mean(tf.cast(tf.mul(x, 10), 'int32'), 1, true) }),
    shapes: [[3, 5]],
  },
  {
    name: 'crop and resize',
    f: (x) => ({
      y: tf.image.cropAndResize(x as Images, tf.tensor2d([[0, 0, 0.5, 0.5]]), tf.tensor1d([1], 'int32'), [4, 4]),
    }),
    shapes: [images],
  },
  {
    name: 'grayscale, as in a color jitter',
    f: (x) => {
      const gray = tf.mean(x, -1, true);
      return { y: tf.clipByValue(tf.add(gray, tf.mul(tf.sub(x, gray), 1.3)), 0, 255) };
    },
    shapes: [images],
  },
  { name: 'mirrored images', f: (x) => ({ y: tf.image.flipLeftRight(x as Images) }), shapes: [images] },
];
for (const { name, f, shapes } of plain) {
  test(`${name}: compiled as op by op`, () => {
    const inputs = randoms(...shapes);
    const { first, again, eager } = compiledAndEager(f, inputs);
    for (const key of Object.keys(eager)) {
      assert.deepEqual([first[key].shape, first[key].dtype], [eager[key].shape, eager[key].dtype], key);
      close(first[key].dataSync(), eager[key].dataSync(), 1e-5, key);
    }
    tf.dispose([inputs, first, again, eager]);
  });
}
