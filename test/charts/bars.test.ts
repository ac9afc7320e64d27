import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probabilities, split } from '../interpret/predictions';
import { captionsOf, traces } from './figures';
import { barChart, classAccuracy, probabilityBars } from 'cifar10/charts';
import { interpretProbabilities } from 'cifar10/interpret';

test('a bar chart has a bar for each category of each series, and refuses a series of another length', () => {
  const figure = barChart(['cat', 'dog'], [{ name: 'training', values: Uint8Array.of(3, 4) }]);
  assert.deepEqual(traces(figure)[0].y, [3, 4]);
  const [{ text }] = barChart(['a', 'b', 'c'], [{ name: 'n', values: [12_345, 0.123456789, 0.00002] }]).data as {
    text: string[];
  }[];
  assert.deepEqual(text, ['12,345', '0.1235', '0.00002']);
  assert.throws(
    () => barChart(['cat', 'dog'], [{ name: 'training', values: [1] }]),
    /the series “training” has 1 values for 2 categories/,
  );
});

test('accuracy by class: sorted, with counts and the accuracy of all, and a class without images is left out', () => {
  const figure = classAccuracy(interpretProbabilities(probabilities, split));
  const [{ x, y }] = traces(figure);
  assert.deepEqual(y, ['ship', 'cat', 'dog']);
  assert.deepEqual(x.map(Math.round), [100, 50, 33]);
  assert.deepEqual(captionsOf(figure), ['all classes: 50.0 %']);
  const cats = { ...split, labels: split.labels.subarray(0, 2), size: 2 };
  assert.deepEqual(traces(classAccuracy(interpretProbabilities(probabilities.subarray(0, 6), cats)))[0].y, ['cat']);
});

test('the probabilities of an image: the highest on top and in the title, the image beside them', () => {
  const classes = [
    { name: 'cat', probability: 0.2 },
    { name: 'dog', probability: 0.8 },
  ];
  const image = { images: new Uint8Array(28 * 28), imageShape: [28, 28, 1] as const };
  const { data, layout } = probabilityBars({ classes, image, title: 'my photo.png' });
  assert.deepEqual(traces({ data, layout })[0].y, ['dog', 'cat']);
  assert.equal((layout.title as { text: string }).text, 'my photo.png: dog, 80 %');
  assert.equal((layout.images as unknown[]).length, 1);
  const many = Array.from({ length: 47 }, (_, i) => ({ name: `class ${i}`, probability: i / 1081 }));
  const [{ y }] = traces(probabilityBars({ classes: many }));
  assert.deepEqual([y.length, y[0]], [12, 'class 46']);
});
