import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageGrid } from 'cifar10';
import { PNG } from 'pngjs';

test('an image grid repeats each pixel exactly, row after row, with transparent gaps', () => {
  const images = Uint8Array.from({ length: 3 * 3072 }, (_, i) => (i * 31) % 251);
  const { png, width, height } = imageGrid({ images }, { columns: 2, scale: 2, gap: 3 });
  const picture = PNG.sync.read(Buffer.from(png));
  assert.deepEqual([picture.width, picture.height], [width, height]);
  assert.deepEqual([width, height], [2 * 64 + 3, 2 * 64 + 3]);
  const pixel = (x: number, y: number) => [...picture.data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
  const original = (image: number, x: number, y: number) => {
    const from = image * 3072 + (y * 32 + x) * 3;
    return [...images.subarray(from, from + 3), 255];
  };
  assert.deepEqual(pixel(11, 21), original(0, 5, 10));
  assert.deepEqual(pixel(67 + 63, 63), original(1, 31, 31));
  assert.deepEqual(pixel(1, 67 + 1), original(2, 0, 0));
  assert.equal(pixel(65, 10)[3], 0, 'the gap');
  assert.equal(pixel(70, 70)[3], 0, 'the place of the image that is not there');
});

test('an image grid refuses what makes no picture', () => {
  const images = new Uint8Array(3072);
  assert.throws(() => imageGrid({ images }, { columns: 0 }), /columns is 0; it must be a whole number from 1/);
  assert.throws(() => imageGrid({ images }, { scale: 1.5 }), /scale is 1.5/);
  assert.throws(() => imageGrid({ images }, { gap: 0.5 }), /gap is 0.5; it must be a whole number from 0/);
  assert.throws(() => imageGrid({ images }, { count: 2 }), /count is 2, but there are only 1 images/);
  assert.throws(() => imageGrid({ images: new Uint8Array(3072 * 3000) }), /3,000 images is too large.* 2,500: .*count/);
  assert.throws(
    () => imageGrid({ images: new Uint8Array(3072 * 1000) }, { scale: 10 }),
    /a picture of 6,476 × 16,196 pixels is too large; expected at most 16,000,000 in all: choose a smaller scale/,
  );
  for (const bytes of [0, 4608]) {
    assert.throws(() => imageGrid({ images: new Uint8Array(bytes) }), {
      name: 'RangeError',
      message: `there are ${bytes.toLocaleString('en')} bytes; expected 3,072 for each image, and at least one image`,
    });
  }
});
