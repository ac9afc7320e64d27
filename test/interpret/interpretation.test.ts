import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpret, predict } from 'cifar10';
import { names, noise, probabilities, small, split } from './predictions';
import { interpretProbabilities } from 'cifar10/interpret';

const result = interpretProbabilities(probabilities, split);

test('each image has a prediction: its class, label and confidence', () => {
  const { predictions, accuracy } = result;
  assert.deepEqual(
    predictions.map(({ predicted, label }) => [label, predicted]),
    [
      [0, 0],
      [0, 1],
      [1, 1],
      [1, 0],
      [1, 2],
      [2, 2],
    ],
  );
  assert.equal(predictions[4].confidence, Math.fround(0.98));
  assert.equal(accuracy, 0.5);
});

test('the confusion matrix counts each image once, in the row of its label and the column of the prediction', () => {
  assert.deepEqual(result.confusion, [
    [1, 1, 0],
    [1, 1, 1],
    [0, 0, 1],
  ]);
  assert.deepEqual(result.perClass, [
    { name: 'cat', count: 2, correct: 1, accuracy: 1 / 2 },
    { name: 'dog', count: 3, correct: 1, accuracy: 1 / 3 },
    { name: 'ship', count: 1, correct: 1, accuracy: 1 },
  ]);
});

test('the probabilities of an image are read by its index', () => {
  assert.deepEqual([...result.row(1)], [0.2, 0.7, 0.1].map(Math.fround));
  assert.deepEqual(
    result.probabilitiesOf(3).map(({ name }) => name),
    ['cat', 'dog', 'ship'],
  );
  assert.deepEqual(result.probabilitiesOf(4).map(({ name }) => name)[0], 'ship');
  assert.throws(() => result.row(6), /image 6; expected an integer from 0 to 5/);
  assert.throws(() => result.probabilitiesOf(-1), /image -1; expected/);
});

test('top losses: the lowest probability of the true label first, right or wrong', () => {
  const top = result.topLosses(4);
  assert.deepEqual(
    top.map(({ index }) => index),
    [4, 1, 3, 5], // 0.01, 0.2, 0.4, 0.4
  );
  assert.ok(Math.abs(top[0].loss - -Math.log(0.01)) < 1e-6);
  assert.equal(result.topLosses().length, 6);
  const certain = interpretProbabilities(Float32Array.of(1, 0, 0, 0, 1, 0), {
    ...split,
    labels: Uint8Array.of(1, 0),
    size: 2,
  });
  assert.deepEqual(
    certain.topLosses().map(({ index, loss }) => [index, loss]),
    [
      [0, Infinity],
      [1, Infinity],
    ],
  );
});

test('least confident: the lowest probability of the predicted class first, right or wrong', () => {
  assert.deepEqual(
    result.leastConfident(3).map(({ index }) => index),
    [5, 3, 1],
  );
});

test('confusions: the cells off the diagonal, the most frequent first; the images of one, the most confident first', () => {
  const twice = interpretProbabilities(Float32Array.of(...probabilities, 0.1, 0.8, 0.1), {
    ...split,
    images: new Uint8Array(7 * 3072),
    labels: Uint8Array.of(...split.labels, 0),
    size: 7,
  });
  assert.deepEqual(twice.mostConfused(), [
    { actual: 'cat', predicted: 'dog', count: 2, share: 2 / 3 },
    { actual: 'dog', predicted: 'cat', count: 1, share: 1 / 3 },
    { actual: 'dog', predicted: 'ship', count: 1, share: 1 / 3 },
  ]);
  assert.equal(twice.mostConfused(2).length, 2);
  assert.deepEqual(
    twice.confused('cat', 'dog').map(({ index }) => index),
    [6, 1],
  );
  assert.deepEqual(twice.confused('ship', 'cat'), []);
  assert.throws(
    () => twice.confused('cow', 'cat'),
    new RangeError('confused: there is no class cow; expected one of cat, dog, ship.'),
  );
});

const two = (labels: number[]) => ({
  ...split,
  labels: Uint8Array.from(labels),
  size: labels.length,
  classNames: ['a', 'b'],
});

test('calibration: as the paper counts it, each prediction in one bin, edges in the bin below, and the expected error', () => {
  const confidences = [0.5, 0.75, 0.75, 0.875, 1]; // of the first of two classes
  const rows = Float32Array.from(confidences.flatMap((confidence) => [confidence, 1 - confidence]));
  const { bins, expectedError } = interpretProbabilities(rows, two([1, 0, 1, 0, 0])).calibration(4);
  assert.deepEqual(
    bins.map(({ count, confidence, accuracy }) => [count, confidence, accuracy]),
    [
      [0, 0, 0],
      [1, 0.5, 0],
      [2, 0.75, 0.5],
      [2, 0.9375, 1],
    ],
  );
  assert.ok(Math.abs(expectedError - (1 * 0.5 + 2 * 0.25 + 2 * 0.0625) / 5) < 1e-12);
});

test('a model as confident as right has no calibration error; one that is always certain and wrong has all of it', () => {
  const certain = Float32Array.of(1, 0, 1, 0);
  assert.equal(interpretProbabilities(certain, two([0, 0])).calibration().expectedError, 0);
  assert.equal(interpretProbabilities(certain, two([1, 1])).calibration(15).expectedError, 1);
});

test('calibration: a float32 confidence on an edge is in the bin below', () => {
  const binOf = (confidence: number, bins: number) =>
    interpretProbabilities(Float32Array.of(confidence, 0), two([0]))
      .calibration(bins)
      .bins.findIndex(({ count }) => count > 0);
  assert.equal(binOf(0.1, 10), 0);
  assert.deepEqual(
    [0.2, 0.4, 0.6, 0.8, 1].map((confidence) => binOf(confidence, 5)),
    [0, 1, 2, 3, 4],
  );
  assert.deepEqual(
    [0.2001, 0.4001, 0.6001, 0.8001].map((confidence) => binOf(confidence, 5)),
    [1, 2, 3, 4],
  );
  assert.deepEqual([binOf(0, 5), binOf(1.0005, 5)], [0, 4]);
});

test('an impossible count is refused by name', () => {
  assert.throws(() => result.topLosses(0), /topLosses: count is 0; expected an integer ≥ 1/);
  assert.throws(() => result.leastConfident(1.5), /leastConfident: count is 1.5/);
  assert.throws(() => result.mostConfused(-1), /mostConfused: count is -1/);
  assert.throws(() => result.confused('cat', 'dog', NaN), /confused: count is NaN/);
  assert.throws(() => result.calibration(0), /calibration: bins is 0/);
});

test('probabilities of other images, other classes or no images at all are refused, with the numbers', () => {
  assert.throws(() => interpretProbabilities(probabilities, { ...split, labels: split.labels.subarray(1) }), {
    name: 'RangeError',
    message:
      'interpret: there are 18 probabilities; expected 15, for 5 images and 3 classes: predict the images of the split.',
  });
  assert.throws(
    () => interpretProbabilities(probabilities, { ...split, classNames: ['cat', 'dog'] }),
    /expected 12, for 6 images and 2 classes/,
  );
  assert.throws(
    () => interpretProbabilities(new Float32Array(0), { ...split, labels: new Uint8Array(0) }),
    /there are no images/,
  );
  assert.throws(
    () => interpretProbabilities(probabilities, { ...split, labels: new Uint8Array(6).fill(3) }),
    /image 0 has the label 3; expected 0 to 2/,
  );
});

test('logits, and numbers of a model that has diverged, are refused, with the image', () => {
  const withOne = (value: number) => probabilities.map((other, i) => (i === 7 ? value : other)); // of image 2
  for (const logit of [-2.5, 1.002, Infinity]) {
    assert.throws(() => interpretProbabilities(withOne(logit), split), {
      name: 'RangeError',
      message: `The probabilities of image 2 are not in [0, 1]: one is ${logit}; give what predict returns, not logits.`,
    });
  }
  assert.throws(
    () => interpretProbabilities(withOne(NaN), split),
    /of image 2 are NaN: .*has diverged\. Train a new one/,
  );
  interpretProbabilities(withOne(1.0005), split); // rounded to 16 bits
});

test('interpret classifies the images of a split, and refuses one with other classes', async () => {
  const model = small();
  const images = noise(5);
  const { probabilities, predictions, split } = await interpret(model, images, { precision: 'float32' });
  assert.deepEqual(probabilities, await predict(model, images, { precision: 'float32' }));
  assert.equal(predictions.length, 5);
  assert.equal(split, images);
  await assert.rejects(
    interpret(model, { ...images, classNames: names }),
    /interpret: there are 3 class names; expected 10, as many as deepCnn tells apart/,
  );
  model.dispose();
});
