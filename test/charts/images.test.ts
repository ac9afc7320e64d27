import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PNG } from 'pngjs';
import { captionsOf } from './figures';
import { captionedImages, imageGrid } from 'cifar10/charts';

const imageShape = [32, 32, 3] as const;
const decode = ({ png }: { png: Uint8Array }) => PNG.sync.read(Buffer.from(png));

test('an image grid repeats each pixel exactly, row after row, with transparent gaps', () => {
  const images = Uint8Array.from({ length: 3 * 3072 }, (_, i) => (i * 31) % 251);
  const grid = imageGrid({ images, imageShape }, { columns: 2, scale: 2, gap: 3 });
  const { width, height } = grid;
  const picture = decode(grid);
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

test('images of any size are drawn, gray, with three colors or with opacity', () => {
  const first = (images: number[], imageShape: [number, number, number]) => [
    ...decode(imageGrid({ images: Uint8Array.from(images), imageShape }, { scale: 1 })).data,
  ];
  assert.deepEqual(first([10, 20], [1, 2, 1]), [10, 10, 10, 255, 20, 20, 20, 255]);
  assert.deepEqual(first([1, 2, 3, 4, 5, 6], [2, 1, 3]), [1, 2, 3, 255, 4, 5, 6, 255]);
  assert.deepEqual(first([1, 2, 3, 4], [1, 1, 4]), [1, 2, 3, 4]);
  const { width, height } = imageGrid({ images: new Uint8Array(5 * 28 * 20), imageShape: [28, 20, 1] }, { columns: 5 });
  assert.deepEqual([width, height], [5 * 44 - 4, 56]);
  assert.throws(
    () => imageGrid({ images: new Uint8Array(8), imageShape: [2, 2, 2] }),
    /images of 2 × 2 × 2 can't be drawn; expected 1, 3 or 4 channels/,
  );
});

test('an image grid with names of its rows is a figure, each name at the middle of its row', () => {
  const images = { images: new Uint8Array(4 * 3072), imageShape };
  const { layout } = imageGrid(images, { columns: 2, scale: 2, gap: 4, rowNames: ['cat', 'dog'] });
  const { yaxis, images: pictures } = layout as {
    yaxis: { tickvals: number[]; ticktext: string[]; range: number[] };
    images: { sizex: number; sizey: number }[];
  };
  assert.deepEqual(
    [yaxis.tickvals, yaxis.ticktext, yaxis.range],
    [
      [32, 100],
      ['cat', 'dog'],
      [132, 0],
    ],
  );
  assert.deepEqual([pictures[0].sizex, pictures[0].sizey], [132, 132]);
  assert.throws(() => imageGrid(images, { columns: 2, rowNames: ['cat'] }), /there are 1 rowNames for 2 rows/);
});

test('an image grid refuses what makes no picture', () => {
  const one = { images: new Uint8Array(3072), imageShape };
  assert.throws(() => imageGrid(one, { columns: 0 }), /columns is 0; expected an integer ≥ 1/);
  assert.throws(() => imageGrid(one, { scale: 1.5 }), /scale is 1.5/);
  assert.throws(() => imageGrid(one, { gap: 0.5 }), /gap is 0.5; expected an integer ≥ 0/);
  assert.throws(() => imageGrid(one, { count: 2 }), /count is 2, but there are only 1 images/);
  const many = (count: number) => ({ images: new Uint8Array(3072 * count), imageShape });
  assert.throws(() => imageGrid(many(4000)), /a picture of 1,356 × 13,596 pixels is too large/);
  assert.throws(
    () => imageGrid(many(1000), { scale: 10 }),
    /a picture of 6,476 × 16,196 pixels is too large; expected at most 16,000,000 in all: choose a smaller scale/,
  );
  for (const bytes of [0, 4608]) {
    assert.throws(() => imageGrid({ images: new Uint8Array(bytes), imageShape }), {
      name: 'RangeError',
      message: `there are ${bytes.toLocaleString('en')} bytes; expected 3,072 for each image of 32 × 32 × 3, and at least one image`,
    });
  }
});

test('captioned images have a text under each image, and refuse more captions than images', () => {
  const images = { images: new Uint8Array(2 * 3072), imageShape };
  const { layout } = captionedImages(images, ['cat', 'dog']);
  assert.equal((layout.images as unknown[]).length, 2);
  assert.deepEqual(captionsOf({ data: [], layout }), ['cat', 'dog']);
  assert.throws(() => captionedImages(images, ['a', 'b', 'c']), /3 captions, but only 2 images/);
  assert.throws(() => captionedImages(images, ['a'], { columns: 0 }), /columns is 0/);
  assert.throws(
    () => captionedImages({ images: new Uint8Array(3072 * 401), imageShape }, Array<string>(401).fill('a')),
    /a figure of 401 images with captions is too large; expected at most 400/,
  );
});

test('a caption that would reach into the next one continues in a line of its own, its number with its unit', () => {
  const image = { images: new Uint8Array(3072), imageShape };
  const [long] = captionsOf(captionedImages(image, ['automobile? 94 %<br>truck!'], { columns: 8 }));
  assert.equal(long, 'automobile?<br>94\u00a0%<br>truck!');
  const [wide] = captionsOf(captionedImages(image, ['automobile? 94 %<br>truck!'], { columns: 4 }));
  assert.equal(wide, 'automobile? 94\u00a0%<br>truck!');
});

test('a text for the pointer is expected for each picture or for none', () => {
  const images = { images: new Uint8Array(2 * 3072), imageShape };
  assert.throws(
    () => captionedImages(images, ['a', 'b'], { hovers: ['a'] }),
    /there are 1 hovers for 2 pictures; expected one for each/,
  );
});
