import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compile, castTo, DataType, dataTypeOf, uint8Tensor } from 'cifar10/engine';

const shape = [2, 4, 3, 3];
const values = Uint8Array.from({ length: 72 }, (_, i) => (i * 37) % 256);

const cases: { name: string; f: (x: tf.Tensor) => tf.Tensor; staysByte?: boolean }[] = [
  { name: 'cast to float32', f: (x) => tf.cast(x, 'float32') },
  { name: 'cast to int32', f: (x) => tf.cast(x, 'int32') },
  { name: 'toFloat of a clone', f: (x) => x.clone().toFloat() },
  { name: 'brightness', f: (x) => tf.clipByValue(tf.mul(x, 1.3), 0, 255) },
  { name: 'contrast', f: (x) => tf.add(tf.mul(tf.sub(x, tf.mean(x, [1, 2], true)), 0.5), tf.mean(x, [1, 2], true)) },
  { name: 'inverted', f: (x) => tf.sub(255, x) },
  { name: 'sum', f: (x) => tf.sum(x) },
  { name: 'max', f: (x) => tf.max(x, [1, 2]) },
  { name: 'of two images the larger pixels', f: (x) => tf.maximum(x, tf.reverse(x, 0)) },
  { name: 'sum of two images', f: (x) => tf.add(x, x) },
  { name: 'comparison', f: (x) => tf.greater(x, tf.reverse(x, 0)) },
  { name: 'one hot', f: (x) => tf.oneHot(tf.reshape<tf.Rank.R1>(x, [-1]), 256) },
  { name: 'clone', f: (x) => x.clone(), staysByte: true },
  { name: 'reshape', f: (x) => tf.reshape(x, [2, -1]), staysByte: true },
  { name: 'transpose', f: (x) => tf.transpose(x, [0, 2, 1, 3]) },
  { name: 'reverse', f: (x) => tf.reverse(x, 2), staysByte: true },
  { name: 'slice', f: (x) => tf.slice(x, [0, 1, 1, 0], [2, 2, 2, 3]), staysByte: true },
  { name: 'strided slice', f: (x) => tf.stridedSlice(x, [0, 0, 0, 0], [2, 4, 3, 3], [1, 2, 2, 1]), staysByte: true },
  { name: 'pad', f: (x) => tf.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]], 7), staysByte: true }, // prettier-ignore
  { name: 'reflected pad', f: (x) => tf.mirrorPad(x, [[0, 0], [1, 1], [2, 0], [0, 0]], 'reflect'), staysByte: true }, // prettier-ignore
  { name: 'concat', f: (x) => tf.concat([x, x], 1), staysByte: true },
  { name: 'stack', f: (x) => tf.stack([x, x]), staysByte: true },
  { name: 'unstack', f: (x) => tf.unstack(x)[1], staysByte: true },
  { name: 'split', f: (x) => tf.split(x, 2, 1)[1], staysByte: true },
  { name: 'tile', f: (x) => tf.tile(x, [1, 2, 1, 1]), staysByte: true },
  { name: 'gather', f: (x) => tf.gather(x, [1, 0, 1]), staysByte: true },
  { name: 'expandDims and squeeze', f: (x) => tf.squeeze(tf.expandDims(x, 1)), staysByte: true },
  { name: 'zeros like it', f: (x) => tf.zerosLike(x), staysByte: true },
  { name: 'where', f: (x) => tf.where(tf.greater(x, 99), x, tf.zerosLike(x)), staysByte: true },
  { name: 'where with numbers of another type', f: (x) => tf.where(tf.greater(x, 99), x, tf.scalar(0, 'int32')) },
  { name: 'concat with int32', f: (x) => tf.concat([x, tf.ones(shape, 'int32')]) },
];
for (const { name, f, staysByte = false } of cases) {
  test(`uint8 images: ${name}, as of int32`, () => {
    const expected = tf.tidy(() => f(tf.tensor(values, shape, 'int32')));
    const x = uint8Tensor(values, shape);
    const program = compile({ f: (x: tf.Tensor) => ({ y: f(x) }) }, { precision: 'float32' });
    const before = tf.memory().numTensors;
    for (const [way, y] of [
      ['op by op', tf.tidy(() => f(x))],
      ['compiled', program.f(x).y],
    ] as const) {
      assert.deepEqual([y.shape, y.dtype], [expected.shape, expected.dtype], way);
      assert.deepEqual([...y.dataSync()], [...expected.dataSync()], way);
      assert.equal(dataTypeOf(y) === DataType.uint8, staysByte, `${way}: ${staysByte ? '' : 'no longer '}uint8`);
      y.dispose();
    }
    assert.equal(tf.memory().numTensors, before);
    program.dispose();
    tf.dispose([x, expected]);
  });
}

test('castTo converts between uint8 and other types', () => {
  tf.tidy(() => {
    const bytes = castTo(tf.tensor1d([1.7, 254.2]), DataType.uint8);
    assert.deepEqual([...bytes.dataSync()], [1, 254]);
    assert.deepEqual([...castTo(bytes, DataType.int32).dataSync()], [1, 254]);
    assert.deepEqual([...castTo(bytes, DataType.float32).dataSync()], [1, 254]);
  });
});
