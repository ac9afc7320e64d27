import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { crossEntropy } from 'cifar10';
import { close } from '../numbers';
import { root } from '../project';
import { compile } from 'cifar10/engine';

/** PyTorch's (test/fixtures/torch/torch_optimizers.py). */
interface Golden {
  readonly crossEntropy: {
    readonly logits: number[][];
    readonly labels: number[];
    readonly cases: { readonly labelSmoothing: number; readonly loss: number; readonly gradient: number[][] }[];
  };
}
const { logits, labels, cases } = (
  JSON.parse(readFileSync(join(root, 'test', 'fixtures', 'torch', 'optimizers.json'), 'utf8')) as Golden
).crossEntropy;

for (const { labelSmoothing, loss, gradient } of cases) {
  for (const isCompiled of [false, true]) {
    test(`cross entropy, label smoothing ${labelSmoothing}, and its gradient are PyTorch's, ${isCompiled ? 'compiled' : 'eager'}`, () => {
      const count = tf.memory().numTensors;
      const crossed = crossEntropy({ labelSmoothing });
      const both = (x: tf.Tensor, y: tf.Tensor) => {
        const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => crossed(x as tf.Tensor2D, y as tf.Tensor1D, {}))(x);
        return { value, grad };
      };
      const program = isCompiled ? compile({ both }, { precision: 'float32' }) : undefined;
      tf.tidy(() => {
        const result = (program ?? { both }).both(tf.tensor2d(logits), tf.tensor1d(labels, 'int32'));
        close(result.value.dataSync(), [loss], 1e-6);
        close(result.grad.dataSync(), gradient.flat(), 1e-6);
      });
      program?.dispose();
      assert.equal(tf.memory().numTensors, count);
    });
  }
}

for (const labelSmoothing of [-0.1, 1, NaN, '0.1' as unknown as number]) {
  test(`a label smoothing of ${labelSmoothing} is refused at once`, () => {
    assert.throws(() => crossEntropy({ labelSmoothing }), {
      name: 'RangeError',
      message: /crossEntropy: labelSmoothing is .*; expected a number in \[0, 1\)/,
    });
  });
}
