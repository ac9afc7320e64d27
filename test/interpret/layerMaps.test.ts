import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { layerGradient, logitsOf } from 'cifar10/interpret';
import { noise, small } from './predictions';

test('the gradient at a layer is that of finite differences', () => {
  const model = small();
  const images = noise(1);
  const [layer, label] = [model.getLayer('conv5'), 4];
  const gradient = layerGradient(model, layer, images, (logits) => tf.sum(tf.slice(logits, [0, label], [1, 1])));
  // A bias adds the same to all places of its channel.
  const byChannel = tf.tidy(() => tf.sum(gradient, [0, 1, 2]).dataSync<'float32'>());
  gradient.dispose();
  const logitWith = (channel: number, change: number) => {
    const [kernel, bias] = layer.getWeights();
    const before = bias.dataSync().slice();
    const after = before.map((value, i) => (i === channel ? value + change : value));
    const logits = tf.tidy(() => {
      layer.setWeights([kernel, tf.tensor1d(after)]);
      const logits = logitsOf(model, images);
      layer.setWeights([kernel, tf.tensor1d(before)]);
      return logits;
    });
    const value = logits.dataSync()[label];
    logits.dispose();
    return value;
  };
  const largest = byChannel.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  assert.ok(largest > 1e-4, `${largest} is too small to be compared`);
  const step = 2e-3;
  for (let channel = 0; channel < 4; channel++) {
    const difference = (logitWith(channel, step) - logitWith(channel, -step)) / (2 * step);
    assert.ok(Math.abs(difference - byChannel[channel]) < 0.03 * largest, `channel ${channel}`);
  }
  model.dispose();
});
