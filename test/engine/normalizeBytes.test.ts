import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { CUSTOM_OPS, DataType, uint8Tensor } from 'cifar10/engine';
import { executeOp } from 'cifar10/engine';
import { castTo } from 'cifar10/engine';
import { normalize } from 'cifar10/data';
import { compiledAndEager, opsOfTypes, skip } from './customOps';

const bytes = (...shape: number[]) =>
  uint8Tensor(
    Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7) % 256),
    shape,
  );
const normalized = (x: tf.Tensor) => ({ y: normalize(x) });

// On both sides of a part of 65,536 bytes.
for (const shape of [[], [1], [7, 5], [65_536], [65_537], [80, 32, 32, 3]]) {
  test(`[${shape.join()}]: as TensorFlow's three ops`, { skip }, () => {
    const x = bytes(...shape);
    const { first, again, eager } = compiledAndEager(normalized, [x]);
    assert.deepEqual(first.y.shape, shape);
    const error = tf.tidy(() => tf.sub(first.y, eager.y).abs().max().dataSync()[0]);
    assert.ok(error <= 2 ** -23, `off by ${error}`);
    tf.dispose([x, first, again, eager]);
  });
}

test('takes the place of the last of three ops, and needs no other', { skip }, () => {
  const found = opsOfTypes(normalized, [{ dtype: DataType.uint8, shape: [2, 4] }]);
  // Nothing uses the outputs of Cast and Mul any more: TensorFlow prunes them.
  assert.ok(found.includes(CUSTOM_OPS.normalizeBytes) && !found.includes('Sub'));
});

const toFloat = (x: tf.Tensor) => castTo(x, DataType.float32);
const others: [string, (x: tf.Tensor) => tf.Tensor, DataType][] = [
  ['of other numbers', normalize, DataType.int32],
  ['a scale for each channel', (x) => tf.sub(tf.mul(toFloat(x), [1, 2, 3, 4]), 1), DataType.uint8],
  ['an offset for each channel', (x) => tf.sub(tf.mul(toFloat(x), 2), [1, 2, 3, 4]), DataType.uint8],
  ['without an offset', (x) => tf.mul(toFloat(x), 2), DataType.uint8],
  ['of a number minus bytes', (x) => tf.sub(1, tf.mul(toFloat(x), 2)), DataType.uint8],
];
for (const [name, fn, dtype] of others) {
  test(`${name}: TensorFlow’s ops stay`, { skip }, () => {
    const found = opsOfTypes((x) => ({ y: fn(x) }), [{ dtype, shape: [2, 4] }]);
    assert.ok(found.includes('Mul') && !found.includes(CUSTOM_OPS.normalizeBytes));
  });
}

test('the op refuses scales and offsets that are not one number', { skip }, () => {
  tf.tidy(() => {
    const [x, number, two] = [bytes(4), tf.scalar(1), tf.tensor1d([1, 2])];
    for (const inputs of [
      [x, two, number],
      [x, number, two],
    ])
      assert.throws(() => executeOp(CUSTOM_OPS.normalizeBytes, [], inputs), /NormalizeBytes: expected scalars/);
  });
});
