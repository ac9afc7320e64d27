import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { deepCnn, predict, predictImage, train } from 'cifar10';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { root, temporaryFolder } from '../project';
import { noise } from './predictions';
import { probabilityBars } from 'cifar10/charts';
import { readImage } from 'cifar10/interpret';

type Painter = (x: number, y: number) => readonly number[];

function png(width: number, height: number, paint: Painter): Buffer {
  const picture = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue, opacity = 255] = paint(i % width, Math.floor(i / width));
    picture.data.set([red, green, blue, opacity], 4 * i);
  }
  return PNG.sync.write(picture);
}

/** Red, green, blue and yellow quarters. */
const corners =
  (width: number, height: number): Painter =>
  (x, y) =>
    y < height / 2 ? (x < width / 2 ? [255, 0, 0] : [0, 255, 0]) : x < width / 2 ? [0, 0, 255] : [255, 255, 0];

/** The colors of the four quarters, each channel to the nearest of 0 and 255. */
function quarters({ images, imageShape: [height, width] }: { images: Uint8Array; imageShape: readonly number[] }) {
  const name = (x: number, y: number) => {
    const from = (Math.floor(y * height) * width + Math.floor(x * width)) * 3;
    return [...images.subarray(from, from + 3)].map((value) => (value > 127 ? 1 : 0)).join('');
  };
  return [name(0.25, 0.25), name(0.75, 0.25), name(0.25, 0.75), name(0.75, 0.75)];
}
const UPRIGHT = ['100', '010', '001', '110'];

const fixture = (name: string) => join(root, 'test', 'fixtures', 'images', name);
const warnings = (t: TestContext) => t.mock.method(console, 'warn', () => undefined).mock;

test('a picture of the size asked for is read as it is, byte for byte', async (t) => {
  const file = join(temporaryFolder(t), 'exact.png');
  const paint: Painter = (x, y) => [8 * x, 8 * y, (x * y) % 256];
  writeFileSync(file, png(32, 32, paint));
  const { images, size, imageShape } = await readImage(file);
  assert.deepEqual([...images], Array.from({ length: 1024 }, (_, i) => paint(i % 32, Math.floor(i / 32))).flat());
  assert.deepEqual([size, imageShape], [1, [32, 32, 3]]);
});

test('of wide and of high pictures the middle is taken, in any size, in color and in gray', async (t) => {
  const file = join(temporaryFolder(t), 'a.png');
  for (const [width, height] of [
    [300, 100],
    [100, 300],
  ]) {
    const side = Math.min(width, height);
    const inner = corners(side, side);
    writeFileSync(
      file,
      png(width, height, (x, y) => {
        const [left, top] = [x - (width - side) / 2, y - (height - side) / 2];
        return left < 0 || top < 0 || left >= side || top >= side ? [0, 0, 0] : inner(left, top);
      }),
    );
    assert.deepEqual(quarters(await readImage(file)), UPRIGHT);
    assert.deepEqual(quarters(await readImage(file, [8, 8, 3])), UPRIGHT);
  }
  const gray = await readImage(file, [28, 20, 1]);
  assert.equal(gray.images.length, 28 * 20);
  await assert.rejects(readImage(file, [28, 28, 2]), /imageShape is \[28, 28, 2\]; expected 1 or 3 channels/);
});

test('what is transparent becomes white', async (t) => {
  const file = join(temporaryFolder(t), 'a.png');
  const first = async (...color: number[]) => {
    writeFileSync(
      file,
      png(40, 40, () => color),
    );
    return [...(await readImage(file)).images.subarray(0, 3)];
  };
  assert.deepEqual(await first(200, 100, 0, 0), [255, 255, 255]);
  assert.deepEqual(await first(200, 100, 0, 51), [244, 224, 204]);
});

/** Turned clockwise by 90°. */
const turned = (images: Uint8Array) =>
  images.map((_, i) => images[((31 - (Math.floor(i / 3) % 32)) * 32 + Math.floor(i / 96)) * 3 + (i % 3)]);

test('every file that a viewer shows is read as it shows it, turned as its EXIF says', async (t) => {
  const warned = warnings(t);
  const close = async (name: string, expected: Uint8Array, tolerance: number) => {
    const { images } = await readImage(fixture(name));
    const worst = images.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
    assert.ok(worst <= tolerance, `${name}: ${worst}`);
  };
  const groups: { like: string; same: string[]; turned?: string[]; tolerance?: number }[] = [
    {
      like: 'plain.jpg',
      same: ['exif-garbage', 'junk-bytes', 'mpf', 'no-eoi', 'pixel-00e1', 'progressive', 'tail-zeros', 'two-zeros'],
      turned: ['exif-le-short6', 'exif-long6', 'exif-short6', 'xmp-then-exif', 'zeros-after-exif'],
    },
    { like: 'a.png', same: ['gama', 'iccp'], turned: ['exif-be'] },
    { like: 'plain.png', same: ['no-IEND', 'tail-newline', 'tail-text', 'tail-zeros'] },
    { like: 'pal8.png', same: ['pal8-trns-short'] },
    { like: 'apng-pil.png', same: [], turned: ['pil-exif6'] },
  ];
  for (const { like, same, turned: others = [] } of groups) {
    const { images } = await readImage(fixture(like));
    const extension = like.slice(-4);
    for (const name of same) await close(name + extension, images, 0);
    for (const name of others) await close(name + extension, turned(images), 2);
  }
  // JPEG of other color spaces, PNG of 16 bits and with opacity.
  const restart = await readImage(fixture('restart.jpg'));
  await close('apng-pil.png', restart.images, 24);
  const pixel = async (name: string) => [...(await readImage(fixture(name))).images.subarray(3 * 264, 3 * 265)];
  assert.deepEqual(await pixel('gray16.png'), [51, 51, 51]);
  assert.deepEqual(await pixel('rgb16.png'), [51, 51, 51]);
  assert.deepEqual(await pixel('la.png'), [84, 84, 84]);
  assert.deepEqual(await pixel('gray.jpg'), [58, 58, 58]);
  const [red, green, blue] = await pixel('cmyk.jpg');
  assert.ok(Math.abs(red - 83) < 25 && Math.abs(green - 72) < 25 && Math.abs(blue - 121) < 25);
  assert.equal(warned.callCount(), 0, 'nothing to warn of');
});

test('a file that was cut off is read as far as it goes, with a warning', async (t) => {
  const warned = warnings(t);
  await readImage(fixture('cut-in-idat.png'));
  assert.match(
    String(warned.calls[0].arguments[0]),
    /cut-in-idat.png is damaged or cut off; it is shown as far as it can be read/,
  );
  const file = join(temporaryFolder(t), 'cut.jpg');
  const whole = await sharp(png(300, 300, corners(300, 300)))
    .jpeg()
    .toBuffer();
  writeFileSync(file, whole.subarray(0, Math.floor(0.7 * whole.length)));
  assert.deepEqual(quarters(await readImage(file)).slice(0, 2), UPRIGHT.slice(0, 2));
  assert.equal(warned.callCount(), 2);
});

test('other kinds of pictures are read, too, whatever their name', async (t) => {
  const file = join(temporaryFolder(t), 'really-a-jpeg.png');
  const picture = sharp(png(300, 200, corners(300, 200)));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><path d="M0 0h32v32H0z" fill="red"/>
    <path d="M32 0h32v32H32z" fill="#0f0"/><path d="M0 32h32v32H0z" fill="blue"/><path d="M32 32h32v32H32z" fill="#ff0"/></svg>`;
  for (const bytes of [
    await picture.clone().jpeg().toBuffer(),
    await picture.clone().webp().toBuffer(),
    await picture.clone().gif().toBuffer(),
    await picture.clone().tiff().toBuffer(),
    await picture.clone().avif().toBuffer(),
    Buffer.from(svg),
  ]) {
    writeFileSync(file, bytes);
    assert.deepEqual(quarters(await readImage(file)), UPRIGHT);
  }
});

test('what is not a picture is refused with what it is and what to do', async (t) => {
  const folder = temporaryFolder(t);
  const refused = async (name: string, content: string | Buffer, message: RegExp) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    await assert.rejects(
      readImage(file),
      (error: Error) => error.message.startsWith(file) && message.test(error.message),
    );
  };
  await refused('notes.jpg', 'not a picture', /notes.jpg is not a picture; expected a file of the kind JPEG, PNG, /);
  await refused('empty.png', '', /empty.png is empty: it has 0 bytes\.$/);
  await refused(
    'a.heic',
    Buffer.from('\0\0\0\x18ftypheic', 'latin1'),
    /is a HEIC or video file; convert it to JPEG or PNG/,
  );
  await refused('a.gif', 'GIF89a-and-so-on', /is damaged: it can't be decoded/);
  await refused('start.jpg', readFileSync(fixture('plain.jpg')).subarray(0, 20), /is (damaged|not a picture)/);
  const wide = png(8, 8, () => [0, 0, 0]);
  wide.writeUInt32BE(50_000, 16);
  wide.writeUInt32BE(50_000, 20);
  await refused('huge.png', wide, /has too many pixels; expected at most 268,435,456: make it smaller/);
  await assert.rejects(readImage(folder), /is a folder; expected the path of a picture file\.$/);
});

test('a path that does not exist is named in full, with what is wrong with it', async () => {
  const says = (file: string, message: RegExp) => assert.rejects(readImage(file), message);
  await says('nowhere.png', new RegExp(`There is no file ${process.cwd()}/nowhere.png\\. Expected the path`));
  await says(join(__filename, 'a.png'), /There is no file .*image.test.js\/a.png\./);
  await says('~/cat.jpg', /Only a shell knows what ~ means: write the path in full, such as \/.*\/cat.jpg\.$/);
  await says('C:\\Users\\me\\cat.jpg', /That is a path of Windows; in WSL the drive C: is \/mnt\/c\.$/);
  await says('file:///home/me/cat.jpg', /That is a URL: leave out file:\/\/\.$/);
  await says('https://example.org/cat.jpg', /That is a web address: download the picture first\.$/);
});

test('a picture is read, a step trained, and a picture read: both native libraries live in one process', async (t) => {
  const file = join(temporaryFolder(t), 'a.png');
  writeFileSync(file, png(300, 200, corners(300, 200)));
  const before = await readImage(file);
  const model = deepCnn({ widths: [4, 4, 4, 4, 4, 4], seed: 5 });
  const records = [];
  for await (const record of train(model, { train: noise(64), test: noise(32) }, { epochs: 1, batchSize: 32 })) {
    records.push(record);
    if (record.type === 'step') assert.deepEqual(await readImage(file), before);
  }
  assert.ok(records.length > 2);
  model.dispose();
});

test('your own picture: as the network sees it, with the probabilities that predict gives, the highest first', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'my photo.png');
  writeFileSync(file, png(100, 80, corners(100, 80)));
  const model = deepCnn({ widths: [4, 4, 4, 4, 4, 4], seed: 5 });
  const names = [...'abcdefghij'];
  const before = tf.memory().numTensors;
  const result = await predictImage(model, file, names);
  assert.equal(tf.memory().numTensors, before);
  const expected = await predict(model, await readImage(file), { precision: 'float32' });
  assert.deepEqual(
    result.classes.map(({ name }) => name),
    [...names].sort((a, b) => expected[names.indexOf(b)] - expected[names.indexOf(a)]),
  );
  for (const { name, probability } of result.classes) {
    assert.ok(Math.abs(probability - expected[names.indexOf(name)]) < 1e-5);
  }
  assert.match((probabilityBars(result).layout.title as { text: string }).text, /^my photo.png: [a-j], \d+ %$/);
  await assert.rejects(predictImage(model, file, ['cat']), /there are 1 class names; expected 10/);
  const diverged = deepCnn({ widths: [4, 4, 4, 4, 4, 4] });
  tf.tidy(() => {
    const layer = diverged.getLayer('linear3');
    layer.setWeights(layer.getWeights().map(({ shape }) => tf.fill(shape, NaN)));
  });
  await assert.rejects(
    predictImage(diverged, file, names),
    /predictImage: some of the logits are NaN or infinite: the model's training has diverged\. Train a new one/,
  );
  diverged.dispose();
  mkdirSync(join(folder, 'folder.png'));
  await assert.rejects(predictImage(model, join(folder, 'folder.png'), names), /is a folder/);
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});
