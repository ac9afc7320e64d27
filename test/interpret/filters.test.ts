import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { filters, linear } from 'cifar10';

test('filters: the weights of the first convolution, one filter after the other', () => {
  for (const channels of [1, 3]) {
    const model = tf.sequential();
    model.add(tf.layers.inputLayer({ inputShape: [28, 28, channels] }));
    model.add(tf.layers.conv2d({ name: 'conv', filters: 2, kernelSize: [3, 5], padding: 'same' }));
    tf.tidy(() => {
      const kernel = tf.buffer([3, 5, channels, 2]);
      kernel.set(0.5, 2, 1, channels - 1, 1);
      model.layers[1].setWeights([kernel.toTensor(), tf.zeros([2])]);
    });
    const { layer, weights, shape } = filters(model);
    assert.deepEqual([layer, shape], ['conv', [3, 5, channels]]);
    const at = 15 * channels + (2 * 5 + 1) * channels + channels - 1;
    assert.deepEqual(weights, new Float32Array(30 * channels).fill(0.5, at, at + 1));
    model.dispose();
  }
});

test('filters of a model that does not begin with a convolution are refused', () => {
  const model = linear({ widths: [4, 4] });
  assert.throws(
    () => filters(model),
    /filters: linear begins with the layer linear1, of weights \[3072, 4\]; expected a convolution over the colors/,
  );
  model.dispose();
});
