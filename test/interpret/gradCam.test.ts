import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { activations, deepCnn, filters, gradCam, linear, predict, resnet9, shallowCnn, type Split } from 'cifar10';
import { logitsOf } from 'cifar10/interpret';
import { captionsOf } from '../charts/figures';
import { names, noise, small } from './predictions';
import { heatOverlay } from 'cifar10/charts';

test('Grad-CAM by hand: maps times the mean of their weights, what is below 0 cut off', () => {
  // Pooling halves a 32 × 32 image to 2 × 2 × 3; one linear layer follows.
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: [32, 32, 3] }));
  model.add(tf.layers.averagePooling2d({ name: 'pool', poolSize: 16 }));
  model.add(tf.layers.flatten({ name: 'flat' }));
  model.add(tf.layers.dense({ name: 'out', units: 2 }));
  const weights = Array.from({ length: 12 }, (_, i) => [Math.sin(i + 1), Math.cos(3 * i)]);
  tf.tidy(() => model.getLayer('out').setWeights([tf.tensor2d(weights), tf.zeros([2])]));
  // A quarter of each color: red at the upper left, green, blue, gray at the lower right.
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
    const split: Split = { images, labels: Uint8Array.of(0), size: 1, imageShape: [32, 32, 3], classNames: ['a', 'b'] };
    const [{ heat, height, width }] = gradCam(model, split, { layer: 'pool', className: 'ab'[index] });
    assert.deepEqual([height, width], [2, 2]);
    heat.forEach((value, place) => assert.ok(Math.abs(value - expected[place]) < 1e-5, `place ${place}`));
    assert.ok(expected.some((value) => value > 0.1));
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
    [resnet9({ widths: [2, 2, 2, 2] }), 'add2'],
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
    assert.equal(gradCam(model, noise(1))[0].layer, name);
    model.dispose();
  }
});

test('Grad-CAM leaves the model as it was, and each image its own, whatever is beside it', async () => {
  const model = small();
  const images = noise(3);
  const before = await predict(model, images, { precision: 'float32' });
  const className = ['automobile', 'bird', 'cat'];
  const together = gradCam(model, images, { layer: 'norm6', className });
  const [alone] = gradCam(model, images, { layer: 'norm6', images: [1], className: 'bird' });
  alone.heat.forEach((value, i) => assert.ok(Math.abs(value - together[1].heat[i]) < 1e-5));
  assert.deepEqual(await predict(model, images, { precision: 'float32' }), before);
  model.dispose();
});

test('Grad-CAM explains the predicted class, or the one asked for, with its probability; drawn above and below', async () => {
  const model = small();
  const asked = gradCam(model, noise(5), { images: [4, 1], className: 'cat' });
  const captions = captionsOf(heatOverlay(asked));
  assert.deepEqual(captions.slice(0, 2), ['image 4<br>is deer', 'image 1<br>is automobile']);
  assert.equal(captions.length, 4);
  assert.match(captions[2], /^cat \d+\u00a0%$/);
  const probabilities = await predict(model, noise(5), { precision: 'float32' });
  assert.ok(Math.abs(asked[0].probability - probabilities[4 * 10 + 3]) < 1e-5);
  const [first] = gradCam(model, noise(5));
  const row = probabilities.subarray(0, 10);
  assert.equal(first.className, noise(1).classNames[row.indexOf(Math.max(...row))]);
  const both = gradCam(model, noise(5), { images: [4, 4], className: ['cat', 'dog'] });
  assert.deepEqual([both[0].className, both[1].className], ['cat', 'dog']);
  model.dispose();
});

test('looking inside leaves no tensor behind, not when it fails either', () => {
  const model = small();
  const images = noise(2);
  const look = () => {
    filters(model);
    activations(model, images, { layer: 'norm3' });
    gradCam(model, images, { images: [0, 1] });
    assert.throws(() => gradCam(model, images, { layer: 'nothing' }));
  };
  look();
  const before = tf.memory().numTensors;
  look();
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});

test('looking inside works for a network with skip connections, of any images', () => {
  const { add, conv2d, dense, globalAveragePooling2d, reLU } = tf.layers;
  const input = tf.input({ shape: [28, 28, 1] });
  const conv = (name: string) => conv2d({ name, filters: 6, kernelSize: 3, padding: 'same' });
  const first = reLU({ name: 'relu' }).apply(conv('first').apply(input)) as tf.SymbolicTensor;
  const second = conv('second').apply(first) as tf.SymbolicTensor;
  const sum = add({ name: 'sum' }).apply([first, second]) as tf.SymbolicTensor;
  const end = globalAveragePooling2d({ name: 'mean' }).apply(sum) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: dense({ name: 'out', units: 47 }).apply(end) as tf.SymbolicTensor });
  const images = noise(3, [28, 28, 1], 47);
  assert.deepEqual(filters(model).shape, [3, 3, 1]);
  const maps = activations(model, images, { image: 1, layer: 'sum' });
  assert.deepEqual([maps.height, maps.width, maps.total], [28, 28, 6]);
  const before = logitsOf(model, images).dataSync();
  // The sum goes through global average pooling and a linear layer: the gradient is that of the linear layer.
  const weights = model.getLayer('out').getWeights()[0].arraySync() as number[][];
  const [{ heat }] = gradCam(model, images, { images: [1], className: 'class 5', layer: 'sum' });
  const size = 28 * 28;
  for (const place of [0, 100, 700]) {
    const expected = weights.reduce((total, row, i) => total + (row[5] / size) * maps.values[i * size + place], 0);
    assert.ok(Math.abs(heat[place] - Math.max(0, expected)) < 1e-6, `${heat[place]}, expected ${expected}`);
  }
  assert.equal(gradCam(model, images)[0].layer, 'sum');
  assert.deepEqual(logitsOf(model, images).dataSync(), before);
  model.dispose();
});

test('a model whose training has diverged is named as such, whatever is looked at', () => {
  const model = small();
  const fill = (value: number) =>
    tf.tidy(() => {
      for (const layer of model.layers) {
        if (layer.weights.length > 0) layer.setWeights(layer.getWeights().map(({ shape }) => tf.fill(shape, value)));
      }
    });
  const images = noise(2);
  for (const value of [NaN, Infinity]) {
    fill(value);
    const says = (caller: string, what: string) => ({
      name: 'RangeError',
      message:
        `${caller}: some of the ${what} are NaN or infinite: the model's training has diverged. Train a new one with a smaller ` +
        'learning rate, or restore an earlier state of this one.',
    });
    assert.throws(() => filters(model), says('filters', 'weights'));
    assert.throws(() => gradCam(model, images), says('gradCam', 'logits'));
    assert.throws(() => gradCam(model, images, { className: 'cat' }), says('gradCam', 'logits'));
    assert.throws(() => activations(model, images), says('activations', 'activations'));
  }
  fill(NaN);
  const before = tf.memory().numTensors;
  // Max pooling turns NaN into the lowest float32.
  assert.throws(() => activations(model, images, { layer: 'pool1' }), /some of the activations are NaN/);
  assert.throws(() => gradCam(model, images), /has diverged/);
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});

test('an unknown layer, class, image or option is refused with those that exist', () => {
  const [model, flat] = [small(), linear({ widths: [4, 4] })];
  const images = noise(3);
  const layers = /expected one of conv1, relu1, norm1, .*, pool3, dropout3\.$/;
  assert.throws(() => activations(model, images, { layer: 'conv7' }), layers);
  assert.throws(() => activations(model, images, { layer: 'linear1' }), /linear1 gives no maps of height × width/);
  assert.throws(() => gradCam(model, images, { layer: 'conv7' }), /gradCam: deepCnn has no layer conv7; expected/);
  assert.throws(() => activations(flat, images), /no layer of linear gives maps .*; expected convolutions/);
  assert.throws(() => activations(model, images, { image: 3 }), /activations: image 3; expected .* 0 to 2/);
  assert.throws(() => gradCam(model, images, { images: [0, -1] }), /gradCam: image -1; expected .* 0 to 2/);
  const text = ['1'] as unknown as number[];
  assert.throws(() => gradCam(model, images, { images: text }), /gradCam: image "1"; expected .* 0 to 2/);
  assert.throws(() => gradCam(model, images, { images: [] }), /images is \[\]; expected 1 to 8 indices/);
  assert.throws(() => gradCam(model, images, { className: 'cow' }), /no class cow; expected one of airplane, /);
  assert.throws(
    () => gradCam(model, images, { images: [0], className: ['cat', 'dog'] }),
    /className names 2 classes; expected one for each of the 1 images/,
  );
  assert.throws(
    () => gradCam(model, { ...images, classNames: names }),
    /there are 3 class names; expected 10, as many as deepCnn tells/,
  );
  // @ts-expect-error: no such option
  assert.throws(() => gradCam(model, images, { clas: 'cat' }), /gradCam has no option clas; it has images, /);
  model.dispose();
  flat.dispose();
});
