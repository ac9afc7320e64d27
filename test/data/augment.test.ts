import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { type Augmentation, cutout, randomCrop, randomFlip } from 'cifar10';
import { augmentBatch, normalize } from 'cifar10/data';
import { castTo, DataType, uint8Tensor, compile } from 'cifar10/engine';

const COUNT = 64;
const SIDE = 32;
const BYTES = SIDE * SIDE * 3;
const images = Uint8Array.from({ length: COUNT * BYTES }, (_, i) => (i * 2654435761) >>> 24);
const imageOf = (bytes: Uint8Array, n: number) => Buffer.from(bytes.subarray(n * BYTES, (n + 1) * BYTES));

/** Applies augmentations to all images, eagerly or compiled, and gives the bytes. */
function run(
  augmentations: readonly Augmentation[],
  { key = [5, 6], compiled = false, live = {}, of = images } = {},
): Uint8Array {
  const names = Object.keys(live);
  const fn = (x: tf.Tensor, key: tf.Tensor, ...values: tf.Tensor[]) => {
    const scalars = Object.fromEntries(names.map((name, i) => [name, values[i] as tf.Scalar]));
    const all = names.length > 0 ? augmentations.map(() => scalars) : undefined;
    return { y: augmentBatch(x as tf.Tensor4D, key as tf.Tensor1D, augmentations, all) };
  };
  const inputs = [
    uint8Tensor(of, [COUNT, SIDE, SIDE, 3]),
    tf.tensor1d(key, 'int32'),
    ...Object.values<number>(live).map((value) => tf.scalar(value)),
  ] as const;
  const program = compiled ? compile({ fn }, { precision: 'float32' }) : undefined;
  const y = tf.tidy(() => castTo((program ?? { fn }).fn(...(inputs as unknown as [tf.Tensor, tf.Tensor])).y, DataType.int32));
  const bytes = Uint8Array.from(y.dataSync());
  program?.dispose();
  tf.dispose([...inputs, y]);
  return bytes;
}

type Fill = 'zero' | 'reflect';

/** What torchvision's RandomCrop(32, padding, padding_mode) at (top, left) and a flip make of image n. */
function reference(n: number, top: number, left: number, flip: boolean, padding: number, fill: Fill = 'zero'): Buffer {
  const out = Buffer.alloc(BYTES);
  const mirror = (at: number) => (fill === 'reflect' ? SIDE - 1 - Math.abs(SIDE - 1 - Math.abs(at)) : at);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const x = mirror(left - padding + (flip ? SIDE - 1 - column : column));
      const y = mirror(top - padding + row);
      const inside = x >= 0 && x < SIDE && y >= 0 && y < SIDE;
      for (let c = 0; c < 3; c++)
        out[(row * SIDE + column) * 3 + c] = inside ? images[n * BYTES + (y * SIDE + x) * 3 + c] : 0;
    }
  }
  return out;
}

/** Which crops and flips of the reference an image is. */
function matches(image: Buffer, n: number, padding: number, flips: boolean[], fill?: Fill): string[] {
  const found = [];
  for (let top = 0; top <= 2 * padding; top++)
    for (let left = 0; left <= 2 * padding; left++)
      for (const flip of flips)
        if (image.equals(reference(n, top, left, flip, padding, fill))) found.push(`${top} ${left} ${flip}`);
  return found;
}

for (const compiled of [false, true]) {
  for (const fill of ['zero', 'reflect'] as const) {
    test(`each image is one of torchvision's crops and flips, to the byte (${fill}, ${compiled ? 'compiled' : 'eager'})`, () => {
      const out = run([randomCrop(4, { fill }), randomFlip()], { compiled });
      const found = new Map<string, number>();
      for (let n = 0; n < COUNT; n++) {
        // Cropped, then mirrored.
        const [match, ...others] = matches(imageOf(out, n), n, 4, [false, true], fill);
        assert.ok(match && others.length === 0, `image ${n} matches ${match} ${others.join()}`);
        found.set(match, (found.get(match) ?? 0) + 1);
      }
      assert.ok(found.size > COUNT / 2, 'images are cropped differently');
      const flipped = [...found].flatMap(([name, times]) => (name.endsWith('true') ? [times] : []));
      const mirrored = flipped.reduce((a, b) => a + b);
      assert.ok(mirrored > 15 && mirrored < 49, `${mirrored} of ${COUNT} are mirrored`);
    });
  }
}

/** The gray rectangle in an image that was white: first row, first column, height, width. */
function square(image: Buffer): number[] {
  const covered = [...Array(SIDE * SIDE).keys()].filter((i) => image[i * 3] !== 255);
  const [rows, columns] = [covered.map((i) => Math.floor(i / SIDE)), covered.map((i) => i % SIDE)];
  const [top, left, bottom, right] = [Math.min(...rows), Math.min(...columns), Math.max(...rows), Math.max(...columns)];
  assert.equal(covered.length, (bottom - top + 1) * (right - left + 1), 'a rectangle');
  return [top, left, bottom - top + 1, right - left + 1];
}

for (const compiled of [false, true]) {
  test(`cutout covers a square around a random pixel, cut off at the edges (${compiled ? 'compiled' : 'eager'})`, () => {
    const out = run([cutout(8)], { compiled, of: images.map(() => 255) });
    const squares = [...Array(COUNT).keys()].map((n) => square(imageOf(out, n)));
    assert.ok(out.every((byte) => byte === 255 || byte === 128));
    for (const [top, left, height, width] of squares) {
      // The center is a pixel of the image, so at least half of each side is seen.
      assert.ok(height === 8 || (height >= 4 && (top === 0 || top + height === SIDE)), `${height}`);
      assert.ok(width === 8 || (width >= 4 && (left === 0 || left + width === SIDE)), `${width}`);
    }
    assert.ok(new Set(squares.map(String)).size > COUNT / 2, 'another place for each image');
  });
}

test('the same key gives the same images, another key others; eager and compiled agree', () => {
  const all = [randomCrop(4), randomFlip(), cutout(8)];
  assert.deepEqual(run(all, { compiled: true }), run(all));
  assert.notDeepEqual(run(all, { key: [5, 7] }), run(all));
});

test('two augmentations of one kind draw independently', () => {
  const twice = run([randomFlip(), randomFlip()]);
  const mirrored = [...Array(COUNT).keys()].filter((n) => !imageOf(twice, n).equals(imageOf(images, n))).length;
  assert.ok(mirrored > 15 && mirrored < 49, `${mirrored} of ${COUNT} are mirrored once`);
});

test('what does nothing leaves the images as they are', () => {
  const none = [randomCrop(0), randomFlip(0), cutout(0)];
  for (const compiled of [false, true]) assert.deepEqual(run(none, { compiled }), images);
  const always = run([randomFlip(1)]);
  for (let n = 0; n < COUNT; n++) assert.ok(imageOf(always, n).equals(reference(n, 4, 4, true, 4)));
});

test('hyperparameters may change from step to step', () => {
  for (const [of, live, fixed] of [
    [randomCrop((progress) => 8 * progress), { padding: 4.5 }, randomCrop(4)],
    [randomFlip(() => 0), { probability: 0.5 }, randomFlip()],
    [cutout((progress) => progress), { size: 8 }, cutout(8)],
  ] as const) {
    assert.deepEqual(run([of], { compiled: true, live }), run([fixed]));
    assert.deepEqual(Object.keys(of.hyperparameters ?? {}), Object.keys(live));
  }
});

test('an augmentation reads as the call that made it', () => {
  const texts = [randomCrop(4), randomCrop(2, { fill: 'reflect' }), randomFlip(), randomFlip(0.25), cutout(8)].map(String);
  assert.deepEqual(texts, [
    'randomCrop(4)',
    "randomCrop(2, { fill: 'reflect' })",
    'randomFlip()',
    'randomFlip(0.25)',
    'cutout(8)',
  ]);
  assert.match(String(cutout((progress) => 8 * progress)), /^cutout\(\(progress\) => 8 \* progress: 0, 0\.8, /);
});

for (const [what, make, message] of [
  ['a negative crop', () => randomCrop(-1), /randomCrop: padding is -1; expected a number ≥ 0, or a function/],
  ['a crop that is no number', () => randomCrop('4' as never), /randomCrop: padding is "4"/],
  ['another fill', () => randomCrop(4, { fill: 'edge' as never }), /fill is "edge"; expected "zero" or "reflect"/],
  ['a probability above 1', () => randomFlip(1.5), /randomFlip: probability is 1\.5; expected a number in \[0, 1/],
  ['a cutout of NaN pixels', () => cutout(NaN), /cutout: size is NaN; expected/],
] as const) {
  test(`${what} is refused`, () => assert.throws(make, { name: 'RangeError', message }));
}

test("a reader's own augmentation takes part, in float32 too; one that returns another shape is refused", () => {
  const darker: Augmentation = (x, _, { factor }) => tf.mul(castTo(x, DataType.float32), factor);
  const half = Object.assign(darker.bind(undefined), { hyperparameters: { factor: 0.5 } });
  const out = run([half, randomCrop(4), cutout(8)], { compiled: true });
  assert.ok(out.every((byte) => byte <= 128));
  const first: Augmentation = (x) => tf.slice(x, [0, 0, 0, 0], [-1, 8, 8, -1]);
  assert.throws(() => run([first]), /augment: first returned the shape \[64, 8, 8, 3\]; expected a tensor of the images' shape, \[64, 32, 32, 3\]/);
  assert.throws(() => run([() => undefined as never]), /returned undefined; expected a tensor/);
});

test('normalize maps 0 to −1 and 255 to 1, as ToTensor and Normalize(0.5, 0.5); other values per channel', () => {
  tf.tidy(() => {
    const x = normalize(uint8Tensor(Uint8Array.from([0, 51, 255]), [3]));
    [-1, -0.6, 1].forEach((value, i) => assert.ok(Math.abs(x.dataSync()[i] - value) < 1e-6));
    const [mean, std] = [[0.1, 0.2, 0.3], [0.5, 0.25, 1]];
    const y = normalize(uint8Tensor(Uint8Array.from([0, 51, 255]), [1, 1, 1, 3]), { mean, std });
    [-0.2, 0, 0.7].forEach((value, i) => assert.ok(Math.abs(y.dataSync()[i] - value) < 1e-6));
  });
});

test('nothing is left behind', () => {
  const before = tf.memory().numTensors;
  run([randomCrop(4, { fill: 'reflect' }), randomFlip(), cutout(8)]);
  assert.equal(tf.memory().numTensors, before);
});
