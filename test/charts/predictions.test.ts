import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PNG } from 'pngjs';
import { names, noise, probabilities, split } from '../interpret/predictions';
import { captionsOf, type Trace, traces } from './figures';
import { confusionMatrix, predictionGrid } from 'cifar10/charts';
import { interpretProbabilities } from 'cifar10/interpret';

const result = interpretProbabilities(probabilities, split);

/** The sprite of a confusion matrix: the value of the first byte of a picture in it. */
function sprite(figure: ReturnType<typeof confusionMatrix>) {
  const { source, columns, width, height } = (
    figure.layout.meta as {
      hoverPictures: { source: string; columns: number; width: number; height: number };
    }
  ).hoverPictures;
  const { data, ...size } = PNG.sync.read(Buffer.from(source.split(',')[1], 'base64'));
  assert.equal(size.width, columns * width);
  const [{ customdata: places }] = figure.data as { customdata: number[][][] }[];
  const first = (place: number) =>
    data[4 * (Math.floor(place / columns) * height * size.width + (place % columns) * width)];
  return { places, first };
}

test('the matrix shows shares of rows: right answers in one color, mistakes in the other, on scales of their own', () => {
  const [right, wrong, counts] = traces(confusionMatrix(result));
  assert.deepEqual(right.z, [
    [50, null, null],
    [null, 33.33, null],
    [null, null, 100],
  ]);
  assert.deepEqual(wrong.z, [
    [null, 50, 0],
    [33.33, null, 33.33],
    [0, 0, null],
  ]);
  assert.deepEqual(counts.text, ['1', '1', '1', '1', '1', '1'], 'no zeros');
});

test('the pointer over a cell of the matrix tells count, share, both classes and where to find such images', () => {
  const [{ text }] = traces(confusionMatrix(result));
  assert.equal(
    text[1][2],
    '1 of 3 images of class <b>dog</b> (33.3 %)<br>are called <b>ship</b><br>such as the images 4',
  );
  assert.equal(text[2][0], '0 of 1 images of class <b>ship</b> (0.0 %)<br>are called <b>cat</b>');
});

test('with the matrix come the images of each cell, as pixels of one picture', () => {
  const { places, first } = sprite(confusionMatrix(result));
  assert.deepEqual(places.flat(2).sort(), [0, 1, 2, 3, 4, 5]);
  assert.equal(first(places[1][2][0]), split.images[4 * 3072]);
  assert.equal(first(places[0][1][0]), split.images[3072]);
});

test('of a cell with many images the most confident are named and shown, in that order', () => {
  const confidences = [0.6, 0.9, 0.7, 0.95, 0.8, 0.65];
  const images = Uint8Array.from({ length: 6 * 3072 }, (_, i) => 40 * Math.floor(i / 3072)); // image 3 is all 120
  const many = { ...split, images, labels: new Uint8Array(6) };
  const given = Float32Array.from(confidences.flatMap((confidence) => [1 - confidence, confidence, 0]));
  const figure = confusionMatrix(interpretProbabilities(given, many));
  const [{ text }] = figure.data as Trace[];
  assert.match(text[0][1], /such as the images 3, 1, 4, 2$/);
  const { places, first } = sprite(figure);
  assert.deepEqual(
    places[0][1].map((place) => first(place) / 40),
    [3, 1, 4, 2],
  );
});

test('the matrix stays small, whatever the images and however many classes', () => {
  const figures = [
    confusionMatrix(interpretProbabilities(anything(4000, 10), noise(4000))),
    confusionMatrix(interpretProbabilities(anything(10_000, 47), noise(10_000, [28, 28, 1], 47))),
  ];
  for (const figure of figures) assert.ok(JSON.stringify(figure).length < 3e6);
});

const anything = (size: number, classes: number) =>
  Float32Array.from({ length: size * classes }, (_, i) => Math.abs(Math.sin(i * i)));

test('images with what the model says of them: a caption for each, its three best classes at the pointer', () => {
  const figure = predictionGrid(result, result.leastConfident(2));
  assert.deepEqual(captionsOf(figure), ['✓ ship<br>40\u00a0%', '✗ cat<br>50\u00a0%<br>is dog']);
  assert.equal(
    String(traces(predictionGrid(result, result.confused('cat', 'dog')))[0].text[0]),
    '<b>image 1, cat</b><br>dog 70 %<br>cat 20 %<br>ship 10 %',
  );
  assert.deepEqual(captionsOf(predictionGrid(result, [])), ['no such images']);
  assert.equal(names.length, 3);
});
