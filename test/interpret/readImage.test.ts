import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { deepCnn, predict, predictImage, readImage } from 'cifar10';
import { PNG } from 'pngjs';
import { temporaryFolder } from '../project';

type Color = readonly number[];
type Painter = (x: number, y: number) => Color;

/** Where the four corners of an upright picture are told apart: red, green, blue, yellow. */
const corners =
  (width: number, height: number): Painter =>
  (x, y) =>
    y < height / 2 ? (x < width / 2 ? [255, 0, 0] : [0, 255, 0]) : x < width / 2 ? [0, 0, 255] : [255, 255, 0];

function png(
  width: number,
  height: number,
  paint: Painter,
  options: { colorType?: 0 | 2 | 6; bitDepth?: 8 | 16 } = {},
) {
  const { colorType = 6, bitDepth = 8 } = options;
  const picture = new PNG({ width, height });
  const wide = new Uint16Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue, opacity = 255] = paint(i % width, Math.floor(i / width));
    picture.data.set([red, green, blue, opacity], 4 * i);
    wide.set(
      [red, green, blue, opacity].map((value) => value * 257),
      4 * i,
    );
  }
  if (bitDepth === 16) picture.data = Buffer.from(wide.buffer);
  return PNG.sync.write(picture, { colorType, inputColorType: 6, bitDepth });
}

async function jpeg(width: number, height: number, paint: Painter, { grey = false, progressive = false } = {}) {
  const channels = grey ? 1 : 3;
  const values = new Int32Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    values.set(paint(i % width, Math.floor(i / width)).slice(0, channels), i * channels);
  }
  const pixels = tf.tensor3d(values, [height, width, channels], 'int32');
  const bytes = await tf.node.encodeJpeg(pixels, grey ? 'grayscale' : 'rgb', 100, progressive, false, false);
  pixels.dispose();
  return Buffer.from(bytes);
}

/** A JPEG file that says how the camera was held. */
function withOrientation(file: Buffer, orientation: number, isLittle: boolean): Buffer {
  const exif = Buffer.alloc(26);
  const [uint16, uint32] = isLittle
    ? [exif.writeUInt16LE.bind(exif), exif.writeUInt32LE.bind(exif)]
    : [exif.writeUInt16BE.bind(exif), exif.writeUInt32BE.bind(exif)];
  exif.write(isLittle ? 'II' : 'MM', 'latin1');
  uint16(42, 2);
  uint32(8, 4);
  uint16(1, 8); // one entry: the orientation, one uint16
  uint16(0x0112, 10);
  uint16(3, 12);
  uint32(1, 14);
  uint16(orientation, 18);
  const head = Buffer.from([0xff, 0xe1, 0, 2 + 6 + exif.length]);
  return Buffer.concat([file.subarray(0, 2), head, Buffer.from('Exif\0\0', 'latin1'), exif, file.subarray(2)]);
}

/** The colours of the four quarters, above left first, each channel to the nearest of 0 and 255. */
function quarters({ images }: { images: Uint8Array }): string[] {
  const name = (x: number, y: number) => {
    const from = (y * 32 + x) * 3;
    return [...images.subarray(from, from + 3)].map((value) => (value > 127 ? 1 : 0)).join('');
  };
  return [name(8, 8), name(24, 8), name(8, 24), name(24, 24)];
}
const UPRIGHT = ['100', '010', '001', '110'];

test('a picture of 32 × 32 pixels is read as it is, byte for byte', (t) => {
  const file = join(temporaryFolder(t), 'exact.png');
  const paint: Painter = (x, y) => [8 * x, 8 * y, (x * y) % 256];
  writeFileSync(file, png(32, 32, paint));
  const { images, size } = readImage(file);
  const expected = Array.from({ length: 1024 }, (_, i) => paint(i % 32, Math.floor(i / 32))).flat();
  assert.deepEqual([...images], expected);
  assert.equal(size, 1);
});

test('the square in the middle is taken, of wide and of high pictures', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'a.png');
  for (const [width, height] of [
    [96, 32],
    [32, 96],
    [33, 32],
  ]) {
    const [left, top] = [(width - 32) / 2, (height - 32) / 2];
    const paint: Painter = (x, y) =>
      x < Math.floor(left) || y < Math.floor(top) || x >= left + 32 || y >= top + 32
        ? [255, 255, 255]
        : corners(32, 32)(x - left, y - top);
    writeFileSync(file, png(width, height, paint));
    const image = readImage(file);
    assert.deepEqual(quarters(image), UPRIGHT, `${width} × ${height}`);
  }
});

test('each pixel is the mean of its area: fine stripes become an even grey, and nothing else', (t) => {
  const file = join(temporaryFolder(t), 'stripes.png');
  const stripes: Painter = (x) => (x % 2 ? [255, 255, 255] : [0, 0, 0]);
  writeFileSync(file, png(640, 640, stripes));
  const even = readImage(file).images;
  assert.ok(even.every((value) => value === 127 || value === 128));
  // 50 pixels become 32: each covers one and nine sixteenths, so shares of pixels count.
  const ramp: Painter = (x) => [5 * x, 0, 0];
  writeFileSync(file, png(50, 50, ramp));
  const reds = readImage(file).images.filter((_, i) => i % 3 === 0);
  const expected = (1 * 0 + 0.5625 * 5) / 1.5625;
  assert.equal(reds[0], Math.round(expected));
  assert.equal(reds.slice(0, 32).reduce((a, b) => a + b) / 32 > 120, true);
});

test('a picture smaller than 32 pixels is enlarged, in hard squares', (t) => {
  const file = join(temporaryFolder(t), 'small.png');
  writeFileSync(file, png(2, 2, corners(2, 2)));
  assert.deepEqual(quarters(readImage(file)), UPRIGHT);
  writeFileSync(
    file,
    png(1, 1, () => [10, 20, 30]),
  );
  assert.deepEqual([...readImage(file).images.subarray(0, 6)], [10, 20, 30, 10, 20, 30]);
});

test('grey, 16 bits, transparent: each PNG is read as one sees it, on white', (t) => {
  const file = join(temporaryFolder(t), 'a.png');
  const first = () => [...readImage(file).images.subarray(0, 3)];
  writeFileSync(
    file,
    png(40, 40, () => [90, 90, 90], { colorType: 0 }),
  );
  assert.deepEqual(first(), [90, 90, 90]);
  writeFileSync(
    file,
    png(40, 40, () => [200, 100, 50], { bitDepth: 16 }),
  );
  assert.deepEqual(first(), [200, 100, 50]);
  writeFileSync(
    file,
    png(40, 40, () => [200, 100, 0, 0]),
  );
  assert.deepEqual(first(), [255, 255, 255]);
  writeFileSync(
    file,
    png(40, 40, () => [200, 100, 0, 51]),
  );
  assert.deepEqual(first(), [244, 224, 204]);
});

test('JPEGs are read whatever their name: baseline, progressive, grey, small and large', async (t) => {
  const file = join(temporaryFolder(t), 'really-a-jpeg.png');
  for (const [side, options] of [
    [64, {}],
    [64, { progressive: true }],
    [600, {}], // decoded at a half
  ] as const) {
    writeFileSync(file, await jpeg(side + 60, side, corners(side + 60, side), options));
    assert.deepEqual(quarters(readImage(file)), UPRIGHT, `${side}, ${JSON.stringify(options)}`);
  }
  writeFileSync(file, await jpeg(50, 40, () => [77], { grey: true }));
  assert.deepEqual([...readImage(file).images.subarray(0, 3)], [77, 77, 77]);
});

test('a large JPEG, decoded at a part of its size, gives what the mean of all its pixels gives', async (t) => {
  const folder = temporaryFolder(t);
  const [large, exact] = [join(folder, 'a.jpg'), join(folder, 'a.png')];
  const paint: Painter = (x, y) => [(x / 600) * 255, (y / 600) * 255, 128 + 60 * Math.sin(x / 40)];
  writeFileSync(large, await jpeg(600, 600, paint));
  writeFileSync(exact, png(600, 600, paint));
  const [a, b] = [readImage(large).images, readImage(exact).images];
  a.forEach((value, i) => assert.ok(Math.abs(value - b[i]) <= 4, `${i}: ${value} and ${b[i]}`));
});

test('a picture taken with the camera held any way stands upright', async (t) => {
  const file = join(temporaryFolder(t), 'turned.jpg');
  // Where the stored rows and columns begin in the upright picture (EXIF 2.32, tag 0x0112), seen from the stored one.
  const upright = corners(64, 64);
  const stored: Record<number, Painter> = {
    1: (x, y) => upright(x, y),
    2: (x, y) => upright(63 - x, y),
    3: (x, y) => upright(63 - x, 63 - y),
    4: (x, y) => upright(x, 63 - y),
    5: (x, y) => upright(y, x),
    6: (x, y) => upright(63 - y, x),
    7: (x, y) => upright(63 - y, 63 - x),
    8: (x, y) => upright(y, 63 - x),
  };
  for (const [orientation, paint] of Object.entries(stored)) {
    const isLittle = Number(orientation) % 2 === 0;
    writeFileSync(file, withOrientation(await jpeg(64, 64, paint), Number(orientation), isLittle));
    assert.deepEqual(quarters(readImage(file)), UPRIGHT, `orientation ${orientation}`);
  }
  writeFileSync(file, withOrientation(await jpeg(64, 64, upright), 77, true));
  assert.deepEqual(quarters(readImage(file)), UPRIGHT, 'an impossible one is left alone');
});

test('what is no picture is refused with what it is and what to do', (t) => {
  const folder = temporaryFolder(t);
  const refused = (name: string, content: string | Buffer, message: RegExp) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    assert.throws(() => readImage(file), message);
    assert.throws(
      () => readImage(file),
      (error: Error) => error.message.startsWith(file),
    );
  };
  refused('notes.jpg', 'not a picture', /notes.jpg is no image file; expected a JPEG or PNG file\.$/);
  refused('empty.png', '', /empty.png is no image file/);
  refused('a.webp', Buffer.from('RIFF\x10\0\0\0WEBPVP8 ', 'latin1'), /is a WebP file; convert it to JPEG or PNG\.$/);
  refused('a.png', 'GIF89a-and-so-on', /is a GIF file; convert it to JPEG or PNG/);
  refused('a.heic', Buffer.from('\0\0\0\x18ftypheic', 'latin1'), /is a HEIC or video file; convert it/);
  assert.throws(() => readImage(folder), /is no file; expected the path of a JPEG or PNG file/);
  assert.throws(() => readImage(join(folder, 'nowhere.png')), /There is no file .*nowhere.png/);
  assert.throws(() => readImage('nowhere.png'), new RegExp(`There is no file ${process.cwd()}/nowhere.png;`));
});

test('a file that was cut off is refused, wherever it ends', async (t) => {
  const file = join(temporaryFolder(t), 'cut');
  const paint: Painter = (x, y) => [(x * 7) % 256, (y * 13) % 256, (x * y) % 256];
  for (const whole of [png(80, 60, paint), await jpeg(80, 60, paint)]) {
    for (const share of [0.01, 0.1, 0.5, 0.9]) {
      writeFileSync(file, whole.subarray(0, Math.max(9, Math.floor(whole.length * share))));
      assert.throws(() => readImage(file), /is damaged/, `${share} of ${whole.length} bytes`);
    }
  }
});

test('a PNG with a changed byte is refused', (t) => {
  const file = join(temporaryFolder(t), 'changed.png');
  const bytes = png(40, 40, (x, y) => [x, y, 0]);
  bytes[bytes.length - 40] ^= 255;
  writeFileSync(file, bytes);
  assert.throws(() => readImage(file), /is damaged: a PNG file that can't be decoded/);
});

test('a picture that is too large is refused by its header, before it is decoded', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'huge');
  const before = process.memoryUsage().rss;
  const wide = png(8, 8, () => [0, 0, 0]);
  wide.writeUInt32BE(50_000, 16);
  wide.writeUInt32BE(50_000, 20);
  writeFileSync(file, wide);
  assert.throws(
    () => readImage(file),
    /has 50,000 × 50,000 pixels; expected at most 64,000,000 in all: make it smaller/,
  );
  const high = await jpeg(8, 8, () => [0, 0, 0]);
  const frame = high.indexOf(Buffer.from([0xff, 0xc0]));
  high.writeUInt16BE(50_000, frame + 5);
  high.writeUInt16BE(50_000, frame + 7);
  writeFileSync(file, high);
  assert.throws(() => readImage(file), /has 50,000 × 50,000 pixels/);
  truncateSync(file, 65 * 2 ** 20); // sparse: it takes no room
  assert.throws(() => readImage(file), /has 65 MB; expected at most 64: make it smaller/);
  assert.ok(process.memoryUsage().rss - before < 500e6);
});

test('no tensor is left behind, not by a damaged file either', async (t) => {
  const folder = temporaryFolder(t);
  const [good, bad] = [join(folder, 'good.jpg'), join(folder, 'bad.jpg')];
  writeFileSync(good, await jpeg(64, 64, corners(64, 64)));
  writeFileSync(bad, readFileSync(good).subarray(0, 700));
  const before = tf.memory().numTensors;
  readImage(good);
  assert.throws(() => readImage(bad));
  assert.equal(tf.memory().numTensors, before);
});

test('your own picture: as the network sees it, beside the probabilities that predict gives, the highest on top', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'my photo.png');
  writeFileSync(file, png(100, 80, corners(100, 80)));
  const model = deepCnn({ widths: [4, 4, 4, 4, 4, 4], seed: 5 });
  const names = [...'abcdefghij'];
  const before = tf.memory().numTensors;
  const { data, layout } = predictImage(model, file, names);
  assert.equal(tf.memory().numTensors, before);
  const [{ x, y }] = data as { x: number[]; y: string[] }[];
  const expected = await predict(model, readImage(file), { precision: 'float32' });
  assert.deepEqual(
    y,
    [...names].sort((a, b) => expected[names.indexOf(b)] - expected[names.indexOf(a)]),
  );
  x.forEach((value, i) => assert.ok(Math.abs(value - 100 * expected[names.indexOf(y[i])]) < 1e-3));
  assert.match((layout.title as { text: string }).text, /^my photo.png: [a-j], \d+ %$/);
  assert.equal((layout.images as unknown[]).length, 1);
  assert.throws(() => predictImage(model, file, ['cat']), /there are 1 class names; expected 10/);
  const diverged = deepCnn({ widths: [4, 4, 4, 4, 4, 4] });
  tf.tidy(() => {
    const layer = diverged.getLayer('linear3');
    layer.setWeights(layer.getWeights().map(({ shape }) => tf.fill(shape, NaN)));
  });
  assert.throws(
    () => predictImage(diverged, file, names),
    /predictImage: some of the logits are no numbers: the model's training has diverged\. Train a new one/,
  );
  diverged.dispose();
  mkdirSync(join(folder, 'folder.png'));
  assert.throws(() => predictImage(model, join(folder, 'folder.png'), names), /is no file/);
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});
