import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compile } from 'cifar10';
import { randoms, relativeError } from './customOps';

test('in bfloat16 a sum over many rows is as close as the rows are: the gradient of a bias', () => {
  const rows = 2 ** 17;
  const [x, w, dy] = randoms([rows, 4], [4, 8], [rows, 8]);
  const b = tf.ones([8]);
  const gradients = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor, dy: tf.Tensor) => {
    const layer = (b: tf.Tensor) => tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b));
    return { db: tf.grad(layer)(b, tf.abs(dy)) };
  };
  const [low, high] = (['bfloat16', 'float32'] as const).map((precision) => {
    const program = compile({ gradients }, { precision });
    const { db } = program.gradients(x, w, b, dy);
    program.dispose();
    return db;
  });
  const error = relativeError(low, high);
  assert.ok(error < 0.01, `off by ${error.toExponential(1)}`);
  tf.dispose([x, w, b, dy, low, high]);
});
