import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leastConfidentImages, topLossImages } from 'cifar10';
import { captionsOf } from '../charts/figures';
import { names, labels, probabilities, split } from './predictions';
import { splitOf } from '../images';

test('most wrong are the mistakes, the surest first; least sure are the lowest, right or wrong', () => {
  assert.deepEqual(captionsOf(topLossImages(probabilities, split, names)), [
    '✗ ship<br>98\u00a0%<br>is dog',
    '✗ dog<br>70\u00a0%<br>is cat',
    '✗ cat<br>50\u00a0%<br>is dog',
  ]);
  assert.deepEqual(captionsOf(leastConfidentImages(probabilities, split, names, { count: 2 })), [
    '✓ ship<br>40\u00a0%',
    '✗ cat<br>50\u00a0%<br>is dog',
  ]);
});

test('of a model without mistakes it is said that there are none', () => {
  const one = splitOf(split.images.subarray(0, 3072), labels.subarray(0, 1));
  const figure = topLossImages(probabilities.subarray(0, 3), one, names);
  assert.deepEqual(captionsOf(figure), ['no mistakes among 1 image']);
  assert.ok((figure.layout.height as number) >= 80);
  const sure = Float32Array.from({ length: 3000 }, (_, i) => Number(i % 3 === 0));
  const right = splitOf(new Uint8Array(1000 * 3072));
  assert.deepEqual(captionsOf(topLossImages(sure, right, names)), ['no mistakes among 1,000 images']);
});

test('more images with captions than a notebook carries are refused', () => {
  const size = 500;
  const many = splitOf(new Uint8Array(size * 3072));
  const given = Float32Array.from({ length: 3 * size }, (_, i) => Number(i % 3 === 1));
  assert.throws(
    () => topLossImages(given, many, names, { count: 10_000 }),
    /a figure of 500 images with captions is too large; expected at most 400: say how many by count/,
  );
  assert.equal(captionsOf(topLossImages(probabilities, split, names, { count: 10_000 })).length, 3);
});
