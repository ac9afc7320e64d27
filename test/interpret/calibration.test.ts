import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calibrationCurve } from 'cifar10';
import { calibrationBins } from 'cifar10/interpret';
import { traces } from '../charts/figures';
import { names, probabilities, split } from './predictions';

test('calibration: as the paper counts it, each guess in one bin, edges in the bin below, and the expected error', () => {
  const guesses = [0.5, 0.75, 0.75, 0.875, 1]; // for the first of two classes
  const { bins, expectedError } = calibrationBins(
    Float32Array.from(guesses.flatMap((probability) => [probability, 1 - probability])),
    Uint8Array.of(1, 0, 1, 0, 0),
    4,
  );
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

test('a model that is as sure as it is right has no calibration error; one that is always sure and wrong has all of it', () => {
  const sure = Float32Array.of(1, 0, 1, 0);
  assert.equal(calibrationBins(sure, Uint8Array.of(0, 0), 15).expectedError, 0);
  assert.equal(calibrationBins(sure, Uint8Array.of(1, 1), 15).expectedError, 1);
});

test('calibration: a probability on an edge, as 32 bits have it, is in the bin below', () => {
  const binOf = (probability: number, bins: number) =>
    calibrationBins(Float32Array.of(probability, 0), Uint8Array.of(0), bins).bins.findIndex(({ count }) => count > 0);
  assert.equal(binOf(0.1, 10), 0);
  assert.deepEqual(
    [0.2, 0.4, 0.6, 0.8, 1].map((probability) => binOf(probability, 5)),
    [0, 1, 2, 3, 4],
  );
  assert.deepEqual(
    [0.2001, 0.4001, 0.6001, 0.8001].map((probability) => binOf(probability, 5)),
    [1, 2, 3, 4],
  );
  assert.deepEqual([binOf(0, 5), binOf(1.0005, 5)], [0, 4]);
});

test('the calibration curve names its error, and draws only bins with images, each where it belongs', () => {
  const figure = calibrationCurve(probabilities, split, names, { bins: 5 });
  assert.match((figure.layout.title as { text: string }).text, /calibration error: 41.3 percentage points/);
  const rounded = (values: readonly unknown[]) => values.map((value) => Math.round(value as number));
  assert.deepEqual(
    traces(figure).map(({ name, x, y }) => [name, rounded(x), rounded(y)]),
    [
      ['as sure as right', [0, 100], [0, 100]],
      ['right', [30, 50, 70, 90], [100, 0, 50, 50]],
      ['sure, on average', [40, 50, 75, 94], [40, 50, 75, 94]],
      ['images', [30, 50, 70, 90], [1, 1, 2, 2]],
    ],
  );
  assert.throws(() => calibrationCurve(probabilities, split, names, { bins: 0 }), /bins is 0; expected a whole number/);
});
