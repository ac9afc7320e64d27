import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { firstFilters, linear } from 'cifar10';
import { PNG } from 'pngjs';
import { filterPictures } from 'cifar10/interpret';

test('a filter as a picture: nothing is grey, the largest weight white or black, each third of it one weight', () => {
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: [32, 32, 3] }));
  model.add(tf.layers.conv2d({ name: 'conv', filters: 2, kernelSize: 3, padding: 'same' }));
  tf.tidy(() => {
    const kernel = tf.buffer([3, 3, 3, 2]);
    kernel.set(0.5, 0, 0, 0, 1); // filter 1: red in the upper left corner,
    kernel.set(-0.25, 2, 1, 2, 1); // and against blue at the bottom
    model.layers[1].setWeights([kernel.toTensor(), tf.zeros([2])]);
  });
  const [empty, filter] = filterPictures(model);
  assert.equal(filter.largest, 0.5);
  const { data, width, height } = PNG.sync.read(Buffer.from(filter.picture.png));
  const pixel = (x: number, y: number) => {
    const from = 4 * (Math.floor((y + 0.5) * (height / 3)) * width + Math.floor((x + 0.5) * (width / 3)));
    return [...data.subarray(from, from + 4)];
  };
  assert.deepEqual(pixel(0, 0), [255, 128, 128, 255]);
  assert.deepEqual(pixel(1, 2), [128, 128, 64, 255]);
  assert.deepEqual(pixel(2, 2), [128, 128, 128, 255]);
  assert.equal(empty.largest, 0);
  model.dispose();
});

test('filters of a model that does not begin with a convolution are refused', () => {
  const model = linear({ widths: [4, 4] });
  assert.throws(
    () => firstFilters(model),
    /firstFilters: linear begins with the layer linear1, of weights \[3072, 4\]; expected a convolution over red/,
  );
  model.dispose();
});
