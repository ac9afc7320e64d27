import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import {
  activations,
  calibrationCurve,
  classAccuracy,
  confusionMatrix,
  confusions,
  firstFilters,
  gradCam,
  leastConfidentImages,
  linear,
  topLossImages,
} from 'cifar10';
import { names, labels, probabilities, split, noise, ten, small } from './predictions';

test('predictions of other images, other classes or no images at all are refused, with the numbers', () => {
  const calls = [confusionMatrix, confusions, classAccuracy, topLossImages, leastConfidentImages, calibrationCurve];
  for (const call of calls) {
    const { name } = call;
    const tooFew = { ...split, labels: labels.subarray(1) };
    assert.throws(() => call(probabilities, tooFew, names), {
      name: 'RangeError',
      message: `${name}: there are 18 probabilities; expected 15, for 5 images and 3 classes: give the images that predict was given.`,
    });
    assert.throws(() => call(probabilities, split, ['cat', 'dog']), /expected 12, for 6 images and 2 classes/);
    assert.throws(
      () => call(new Float32Array(0), { ...split, labels: new Uint8Array(0) }, names),
      /there are no images/,
    );
    assert.throws(
      () => call(new Float32Array(18), { ...split, labels: new Uint8Array(6).fill(3) }, names),
      /image 0 has the label 3; expected 0 to 2/,
    );
  }
});

test('what is no probability is refused, with the image: logits, and numbers of a model that has diverged', () => {
  const calls = [confusionMatrix, confusions, classAccuracy, topLossImages, leastConfidentImages, calibrationCurve];
  const withOne = (value: number) => probabilities.map((other, i) => (i === 7 ? value : other)); // of image 2
  for (const call of calls) {
    for (const logit of [-2.5, 1.002, Infinity]) {
      assert.throws(() => call(withOne(logit), split, names), {
        name: 'RangeError',
        message: `The probabilities of image 2 are not from 0 to 1: one is ${logit}; give what predict returns, not logits.`,
      });
    }
    assert.throws(
      () => call(withOne(NaN), split, names),
      /of image 2 are no numbers: .*has diverged\. Train a new one/,
    );
    call(withOne(1.0005), split, names); // rounded to 16 bits
  }
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
    const says = (owner: string, what: string) => ({
      name: 'RangeError',
      message:
        `${owner}: some of the ${what} are no numbers: the model's training has diverged. Train a new one with a smaller ` +
        'learning rate, or restore an earlier state of this one.',
    });
    assert.throws(() => firstFilters(model), says('firstFilters', 'weights'));
    assert.throws(() => gradCam(model, images, ten), says('gradCam', 'logits'));
    assert.throws(() => gradCam(model, images, ten, { className: 'cat' }), says('gradCam', 'logits'));
    assert.throws(() => activations(model, images, ten), says('activations', 'activations'));
  }
  fill(NaN);
  const before = tf.memory().numTensors;
  // Max pooling makes the lowest number of NaN.
  assert.throws(
    () => activations(model, images, ten, { layer: 'pool1' }),
    /activations: some of the activations are no/,
  );
  assert.throws(() => gradCam(model, images, ten), /has diverged/);
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});

test('an unknown layer, class, image or option is refused with what there is', () => {
  const [model, flat] = [small(), linear({ widths: [4, 4] })];
  const images = noise(3);
  const layers = /expected one of conv1, relu1, norm1, .*, pool3, dropout3\.$/;
  assert.throws(() => activations(model, images, ten, { layer: 'conv7' }), layers);
  assert.throws(() => activations(model, images, ten, { layer: 'linear1' }), /linear1 gives no maps of height × width/);
  assert.throws(() => gradCam(model, images, ten, { layer: 'conv7' }), /gradCam: deepCnn has no layer conv7; expected/);
  assert.throws(() => activations(flat, images, ten), /no layer of linear gives maps .*; expected convolutions/);
  assert.throws(() => activations(model, images, ten, { image: 3 }), /activations: image 3; expected .* 0 to 2/);
  assert.throws(() => gradCam(model, images, ten, { images: [0, -1] }), /gradCam: image -1; expected .* 0 to 2/);
  const text = ['1'] as unknown as number[];
  assert.throws(() => gradCam(model, images, ten, { images: text }), /gradCam: image "1"; expected .* 0 to 2/);
  assert.throws(() => gradCam(model, images, ten, { images: [] }), /images is \[\]; expected 1 to 8 numbers/);
  assert.throws(() => gradCam(model, images, ten, { className: 'cow' }), /no class cow; expected one of airplane, /);
  const two = { images: [0], className: ['cat', 'dog'] };
  assert.throws(
    () => gradCam(model, images, ten, two),
    /className names 2 classes; expected one for each of the 1 images/,
  );
  assert.throws(() => gradCam(model, images, names), /there are 3 class names; expected 10, as many as deepCnn tells/);
  // @ts-expect-error: no such option
  assert.throws(() => gradCam(model, images, ten, { clas: 'cat' }), /gradCam has no option clas; it has images, /);
  model.dispose();
  flat.dispose();
});
