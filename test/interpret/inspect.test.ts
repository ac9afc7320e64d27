import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { activations, deepCnn, firstFilters, gradCam } from 'cifar10';
import { noise, ten, small } from './predictions';

test('looking inside leaves no tensor behind, not when it fails either', () => {
  const model = small();
  const images = noise(2);
  const look = () => {
    firstFilters(model);
    activations(model, images, ten, { layer: 'norm3' });
    gradCam(model, images, ten, { images: [0, 1] });
    assert.throws(() => gradCam(model, images, ten, { layer: 'nothing' }));
  };
  look();
  const before = tf.memory().numTensors;
  look();
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});

test('each figure stays small', () => {
  const model = deepCnn({ seed: 1, widths: [64, 64, 4, 4, 4, 4] });
  const images = noise(8);
  const figures = [
    firstFilters(model),
    activations(model, images, ten, { count: 32 }),
    gradCam(model, images, ten, { images: [0, 1, 2, 3, 4, 5, 6, 7] }),
  ];
  for (const figure of figures) assert.ok(JSON.stringify(figure).length < 400_000);
  model.dispose();
});
