import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captionedImages } from 'cifar10';
import { captionsOf } from './figures';

test('captioned images have a text under each image, and refuse more captions than images', () => {
  const images = new Uint8Array(2 * 3072);
  const { layout } = captionedImages({ images }, ['cat', 'dog']);
  assert.equal((layout.images as unknown[]).length, 2);
  assert.deepEqual(
    (layout.annotations as { text: string }[]).map(({ text }) => text),
    ['cat', 'dog'],
  );
  assert.throws(() => captionedImages({ images }, ['a', 'b', 'c']), /3 captions, but only 2 images/);
  assert.throws(() => captionedImages({ images }, ['a'], { columns: 0 }), /columns is 0/);
  assert.throws(
    () => captionedImages({ images: new Uint8Array(3072 * 401) }, Array<string>(401).fill('a')),
    /a figure of 401 images with captions is too large; expected at most 400: say how many by count/,
  );
});

test('a caption that would reach into the next one goes on in a line of its own, its number with its unit', () => {
  const images = new Uint8Array(3072);
  const [long] = captionsOf(captionedImages({ images }, ['automobile? 94 %<br>truck!'], { columns: 8 }));
  assert.equal(long, 'automobile?<br>94\u00a0%<br>truck!');
  const [wide] = captionsOf(captionedImages({ images }, ['automobile? 94 %<br>truck!'], { columns: 4 }));
  assert.equal(wide, 'automobile? 94\u00a0%<br>truck!');
});

test('a text for the pointer is asked for each picture or for none', () => {
  const images = new Uint8Array(2 * 3072);
  assert.throws(
    () => captionedImages({ images }, ['a', 'b'], { hovers: ['a'] }),
    /there are 1 hovers for 2 pictures; expected one for each/,
  );
});
