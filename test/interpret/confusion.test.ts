import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { confusedImages, confusionMatrix, confusions, type Split } from 'cifar10';
import { countConfusions } from 'cifar10/interpret';
import { traces, captionsOf, type Trace } from '../charts/figures';
import { names, labels, probabilities, split, noise, ten } from './predictions';
import { splitOf } from '../images';

test('a confusion matrix counts each image once, in the row of what it is and the column of what was said', () => {
  assert.deepEqual(countConfusions(probabilities, labels), [
    [1, 1, 0],
    [1, 1, 1],
    [0, 0, 1],
  ]);
});

test('the matrix shows shares of rows: right answers in one colour, mistakes in the other, on scales of their own', () => {
  const [right, wrong, counts] = traces(confusionMatrix(probabilities, split, names));
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
  const [{ text }] = traces(confusionMatrix(probabilities, split, names));
  assert.equal(
    text[1][2],
    '1 of 3 images of class <b>dog</b> (33.3 %)<br>are called <b>ship</b><br>such as the images 4',
  );
  assert.equal(text[2][0], '0 of 1 images of class <b>ship</b> (0.0 %)<br>are called <b>cat</b>');
});

test('with the matrix come the images of each cell, the surest first, in one sheet that is small', () => {
  const { data, layout } = confusionMatrix(probabilities, split, names);
  const [{ customdata: cells }] = data as { customdata: number[][][] }[];
  const { source, columns, side } = (
    layout.meta as { hoverPictures: { source: string; columns: number; side: number } }
  ).hoverPictures;
  assert.deepEqual(cells.flat(2), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(cells[1], [[2], [3], [4]]);
  const sheet = tf.node.decodeJpeg(Buffer.from(source.split(',')[1], 'base64'));
  assert.deepEqual(sheet.shape, [side, columns * side, 3]);
  const shown = tf.tidy(
    () =>
      tf
        .slice(sheet, [0, 4 * side, 0], [side, side, 3])
        .mean()
        .dataSync()[0],
  );
  sheet.dispose();
  const image = split.images.subarray(4 * 3072, 5 * 3072);
  assert.ok(Math.abs(shown - image.reduce((a, b) => a + b) / 3072) < 5, 'image 4 at place 4');
  const many = noise(4000);
  const uniform = Float32Array.from({ length: 40_000 }, (_, i) => Math.abs(Math.sin(i * i)));
  assert.ok(JSON.stringify(confusionMatrix(uniform, many, ten)).length < 1_500_000);
});

test('of a cell with many images, those of which the model is most sure are named and shown, the surest first', () => {
  const sure = [0.6, 0.9, 0.7, 0.95, 0.8, 0.65];
  const many: Split = {
    ...splitOf(Uint8Array.from({ length: sure.length * 3072 }, (_, i) => 40 * Math.floor(i / 3072))), // image 3 is all 120
    classNames: names,
  };
  const given = Float32Array.from(sure.flatMap((probability) => [1 - probability, probability, 0]));
  const { data, layout } = confusionMatrix(given, many, names);
  const [{ text, customdata }] = data as (Trace & { customdata: number[][][] })[];
  assert.match(text[0][1], /such as the images 3, 1, 4, 2$/);
  const { source } = (layout.meta as { hoverPictures: { source: string } }).hoverPictures;
  const sheet = tf.node.decodeJpeg(Buffer.from(source.split(',')[1], 'base64'));
  const shown = customdata[0][1].map((place) =>
    tf.tidy(() =>
      Math.round(
        tf
          .slice(sheet, [0, 32 * place, 0], [32, 32, 3])
          .mean()
          .dataSync()[0] / 40,
      ),
    ),
  );
  sheet.dispose();
  assert.deepEqual(shown, [3, 1, 4, 2]);
  const hovers = traces(confusedImages(given, many, names, 'cat', 'dog'))[0].text.map(String);
  assert.deepEqual(
    hovers.map((hover) => Number(/image (\d)/.exec(hover)?.[1])),
    [3, 1, 4, 2, 5, 0],
  );
});

test('confusions are the mistakes of the matrix as rows, the most frequent first', () => {
  const twice = [...labels, 0].map(Number);
  const rows = confusions(Float32Array.of(...probabilities, 0.1, 0.8, 0.1), { labels: Uint8Array.from(twice) }, names);
  assert.deepEqual(rows, [
    { actual: 'cat', guessed: 'dog', count: 2, share: 2 / 3 },
    { actual: 'dog', guessed: 'cat', count: 1, share: 1 / 3 },
    { actual: 'dog', guessed: 'ship', count: 1, share: 1 / 3 },
  ]);
});

test('the images of one cell of the matrix are those that were confused that way', () => {
  const figure = confusedImages(probabilities, split, names, 'cat', 'dog');
  assert.deepEqual(captionsOf(figure), ['✗ dog<br>70\u00a0%<br>is cat']);
  assert.match(String(traces(figure)[0].text[0]), /<b>image 1, cat<\/b><br>dog 70 %<br>cat 20 %/);
  assert.throws(
    () => confusedImages(probabilities, split, names, 'ship', 'cat'),
    /no ship was called cat; the confusion matrix shows which were/,
  );
  assert.throws(
    () => confusedImages(probabilities, split, names, 'cow', 'cat'),
    new RangeError('confusedImages: there is no class cow; expected one of cat, dog, ship.'),
  );
});
