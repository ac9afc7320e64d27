import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { deepCnn, gradCam, predict, shallowCnn } from 'cifar10';
import { PNG } from 'pngjs';
import { classActivation } from 'cifar10/interpret';
import { logitsOf } from 'cifar10/interpret';
import { traces, captionsOf } from '../charts/figures';
import { noise, ten, small } from './predictions';
import { splitOf } from '../images';

test('Grad-CAM by hand: maps times the mean of their weights, what is below 0 cut off', () => {
  // Pooling halves a 32 × 32 image to 2 × 2 × 3; one linear layer follows.
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: [32, 32, 3] }));
  model.add(tf.layers.averagePooling2d({ name: 'pool', poolSize: 16 }));
  model.add(tf.layers.flatten({ name: 'flat' }));
  model.add(tf.layers.dense({ name: 'out', units: 2 }));
  const weights = Array.from({ length: 12 }, (_, i) => [Math.sin(i + 1), Math.cos(3 * i)]);
  tf.tidy(() => model.getLayer('out').setWeights([tf.tensor2d(weights), tf.zeros([2])]));
  // A quarter of each colour: red above left, green above right, blue below left, grey below right.
  const quarters = [255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128];
  const images = new Uint8Array(3072).map((_, i) => {
    const [x, y] = [Math.floor(i / 3) % 32, Math.floor(i / 96)];
    return quarters[(2 * Number(y >= 16) + Number(x >= 16)) * 3 + (i % 3)];
  });
  for (const index of [0, 1]) {
    const channelWeights = [0, 1, 2].map(
      (channel) => [0, 1, 2, 3].reduce((sum, place) => sum + weights[place * 3 + channel][index], 0) / 4,
    );
    const expected = [0, 1, 2, 3].map((place) =>
      Math.max(
        0,
        channelWeights.reduce((sum, w, channel) => sum + w * (quarters[place * 3 + channel] / 127.5 - 1), 0),
      ),
    );
    const map = classActivation(model, model.getLayer('pool'), splitOf(images), [index]);
    assert.deepEqual(map.shape, [1, 2, 2]);
    map.dataSync().forEach((value, place) => assert.ok(Math.abs(value - expected[place]) < 1e-5, `place ${place}`));
    assert.ok(expected.some((value) => value > 0.1));
    map.dispose();
  }
  model.dispose();
});

test('the picture of Grad-CAM is bright where the network found what speaks for the class, and only there', () => {
  // What speaks for the first class is red, anywhere; only the quarter above right is red.
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: [32, 32, 3] }));
  model.add(tf.layers.averagePooling2d({ name: 'pool', poolSize: 16 }));
  model.add(tf.layers.flatten({ name: 'flat' }));
  model.add(tf.layers.dense({ name: 'out', units: 2 }));
  const weights = Array.from({ length: 12 }, (_, i) => [Number(i % 3 === 0), 0]);
  tf.tidy(() => model.getLayer('out').setWeights([tf.tensor2d(weights), tf.zeros([2])]));
  const isRed = (i: number) => i % 3 === 0 && Math.floor(i / 3) % 32 >= 16 && Math.floor(i / 96) < 16;
  const red = splitOf(new Uint8Array(3072).map((_, i) => (isRed(i) ? 255 : 0)));
  const { layout } = gradCam(model, red, ['red', 'other'], { className: 'red' });
  const [, { source }] = layout.images as { source: string }[];
  const { data, width, height } = PNG.sync.read(Buffer.from(source.split(',')[1], 'base64'));
  const pixel = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
  const [right, bottom] = [width - 1, height - 1];
  // Six tenths of the colour of the heat, 252, 255, 164 or 0, 0, 4, over the image.
  assert.deepEqual(pixel(right, 0), [253, 153, 98]);
  for (const [x, y] of [
    [0, 0],
    [0, bottom],
    [right, bottom],
  ]) {
    assert.deepEqual(pixel(x, y), [0, 0, 2], `x ${x}, y ${y}`);
  }
  model.dispose();
});

test('Grad-CAM looks at the finished maps of the last convolution, unless it is told where', () => {
  const { conv2d, averagePooling2d, dense, depthwiseConv2d, flatten, globalAveragePooling2d } = tf.layers;
  const { inputLayer, maxPooling2d, reLU } = tf.layers;
  const conv = (name: string) => conv2d({ name, filters: 2, kernelSize: 3, padding: 'same' });
  const pool = (name: string) => maxPooling2d({ name, poolSize: 2 });
  const end = () => [globalAveragePooling2d({ name: 'mean' }), dense({ name: 'out', units: 10 })];
  const modelOf = (...layers: tf.layers.Layer[]) =>
    tf.sequential({ layers: [inputLayer({ inputShape: [32, 32, 3] }), ...layers] });
  const expected: [tf.LayersModel, string][] = [
    [shallowCnn({ widths: [2, 2, 2] }), 'relu3'],
    [small(), 'norm6'],
    [deepCnn({ widths: [2, 2, 2, 2, 2, 2], batchNorm: false }), 'relu6'],
    [modelOf(conv('first'), pool('half'), conv('second'), ...end()), 'second'],
    [modelOf(conv('first'), pool('half'), conv('second'), reLU({ name: 'after' }), ...end()), 'after'],
    [
      modelOf(
        depthwiseConv2d({ name: 'only', kernelSize: 3 }),
        averagePooling2d({ name: 'half', poolSize: 2 }),
        flatten({ name: 'flat' }),
        dense({ name: 'out', units: 10 }),
      ),
      'only',
    ],
  ];
  for (const [model, name] of expected) {
    const hover = String(traces(gradCam(model, noise(1), ten))[0].text.at(-1));
    assert.match(hover, new RegExp(` in ${name}<br>`));
    model.dispose();
  }
});

test('Grad-CAM leaves the model as it was, and each image its own, whatever stands beside it', async () => {
  const model = small();
  const images = noise(3);
  const before = await predict(model, images, { precision: 'float32' });
  const layer = model.getLayer('norm6');
  const together = classActivation(model, layer, images, [1, 2, 3]);
  const alone = classActivation(model, layer, splitOf(images.images.subarray(3072, 6144)), [2]);
  const [all, one] = [together.dataSync(), alone.dataSync()];
  one.forEach((value, i) => assert.ok(Math.abs(value - all[64 + i]) < 1e-5));
  tf.dispose([together, alone]);
  assert.deepEqual(await predict(model, images, { precision: 'float32' }), before);
  model.dispose();
});

test('Grad-CAM shows images above and heat below, of the class said or of the one asked for', () => {
  const model = small();
  const captions = captionsOf(gradCam(model, noise(5), ten, { images: [4, 1], className: 'cat' }));
  assert.deepEqual(captions.slice(0, 2), ['image 4<br>is deer', 'image 1<br>is automobile']);
  assert.equal(captions.length, 4);
  assert.match(captions[2], /^cat \d+\u00a0%$/);
  const logits = logitsOf(model, noise(1));
  const said = tf.tidy(() => ten[tf.argMax(logits, 1).dataSync()[0]]);
  logits.dispose();
  assert.match(captionsOf(gradCam(model, noise(5), ten))[5], new RegExp(`^${said} `));
  const both = captionsOf(gradCam(model, noise(5), ten, { images: [4, 4], className: ['cat', 'dog'] }));
  assert.deepEqual([both[2].split(' ')[0], both[3].split(' ')[0]], ['cat', 'dog']);
  model.dispose();
});
