import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { dataset, type Dataset, loadCifar10, type Split, split, take } from 'cifar10';
import { batches } from 'cifar10/data';

const classNames = ['cat', 'dog', 'ship'];
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Images of 2 × 3 × 1: image i has the bytes i, its label is i % 3. */
const numbered = (size: number) => ({
  images: Uint8Array.from({ length: size * 6 }, (_, i) => Math.floor(i / 6)),
  labels: Uint8Array.from({ length: size }, (_, i) => i % 3),
});
const options = { ...numbered(9), classNames, imageShape: [2, 3, 1] as const };
const numbersOf = ({ images }: Split) => [...images.filter((_, i) => i % 6 === 0)];

test('a data set of any shape and number of classes, from arrays', () => {
  const data = dataset({ ...options, test: numbered(4) });
  assert.deepEqual([data.train.size, data.test.size, data.validation], [9, 4, undefined]);
  assert.deepEqual([data.imageShape, data.test.imageShape, data.classNames], [[2, 3, 1], [2, 3, 1], classNames]);
  assert.equal(data.train.images, options.images, 'no copy');
  assert.deepEqual(numbersOf(take(data.train, 2)), [0, 1]);
  assert.deepEqual(
    [...batches(data.train, { batchSize: 4, shuffle: { seed: 1, epoch: 1 } })].map(({ images }) => images.length),
    [24, 24, 6],
  );
});

test('arrays of numbers are taken where each is a byte', () => {
  const data = dataset({ ...options, images: [...options.images], labels: Int32Array.from(options.labels) });
  assert.deepEqual(data.train, dataset(options).train);
});

test('mean and standard deviation are those of the training images, per channel, in [0, 1]', () => {
  const images = Uint8Array.of(0, 10, 255, 30, 51, 10, 102, 30);
  const { mean, std } = dataset({ images, labels: [0, 1], classNames, imageShape: [1, 2, 2], test: numbered2() });
  const reds = [0, 1, 0.2, 0.4];
  const average = 0.4;
  const spread = Math.sqrt(reds.reduce((sum, x) => sum + (x - average) ** 2, 0) / 4);
  [...mean, ...std].forEach((value, i) => {
    assert.ok(Math.abs(value - [average, 20 / 255, spread, 10 / 255][i]) < 1e-12, `${value}`);
  });
});
const numbered2 = () => ({ images: new Uint8Array(4).fill(255), labels: [2] });

test("CIFAR-10's training images have the mean and standard deviation that numpy finds", async () => {
  const { train, mean, std } = await loadCifar10({ sample: true });
  for (const channel of [0, 1, 2]) {
    const values = train.images.filter((_, i) => i % 3 === channel);
    const expected = values.reduce((sum, x) => sum + x / 255, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + (x / 255 - expected) ** 2, 0) / values.length;
    assert.ok(Math.abs(mean[channel] - expected) < 1e-9);
    assert.ok(Math.abs(std[channel] - Math.sqrt(variance)) < 1e-9);
  }
});

test('the hash changes with any byte, label, class name or shape', () => {
  const hashes = [
    options,
    { ...options, labels: options.labels.map((label) => 2 - label) },
    { ...options, images: options.images.map((byte) => byte ^ 1) },
    { ...options, classNames: ['cat', 'dog', 'car'] },
    { ...options, imageShape: [3, 2, 1] as const },
    { ...options, test: numbered(1) },
  ].map((given) => dataset(given).hash);
  assert.equal(new Set(hashes).size, hashes.length);
  assert.equal(dataset(options).hash, hashes[0]);
  assert.match(hashes[0], /^[0-9a-f]{64}$/);
  assert.equal(createHash('sha256').digest('hex').length, hashes[0].length);
});

const refused: [what: string, given: object, message: RegExp][] = [
  ['too few bytes', { images: new Uint8Array(53) }, /the training images: size is 9, with 53 bytes of images and 9 labels; expected .* 6 bytes \(2 × 3 × 1\)/],
  ['no images', { images: new Uint8Array(0), labels: [] }, /the training images: size is 0.*expected at least one image/],
  ['a label without a class', { labels: [0, 1, 2, 3, 0, 0, 0, 0, 0] }, /label 3 of image 3; expected 0 to 2, an index into classNames/],
  ['numbers in [0, 1]', { images: new Float32Array(54).fill(0.5) }, /images\[0\] is 0\.5; expected a Uint8Array, or integers from 0 to 255: multiply numbers in \[0, 1\] by 255/],
  ['NaN', { images: [...new Array<number>(53).fill(1), NaN] }, /images\[53\] is NaN; expected a Uint8Array, or integers/],
  ['256', { labels: [256] }, /labels\[0\] is 256; expected/],
  ['nested arrays', { images: [[1, 2], [3]] }, /images\[0\] is \[ 1, 2 \]; .* in one flat array: values\.flat\(Infinity\)/],
  ['no array', { images: 'photo.png' }, /images is "photo\.png"; expected a Uint8Array/],
  ['left out', { labels: undefined }, /labels is undefined; expected/],
  ['two sizes', { imageShape: [2, 3] }, /imageShape is \[ 2, 3 \]; expected \[height, width, channels\], such as \[28, 28, 1\]/],
  ['no names', { classNames: [] }, /classNames is \[\]; expected 1 to 256 names/],
  ['test images of another size', { test: { images: new Uint8Array(7), labels: [1] } }, /the test images: size is 1, with 7 bytes/],
];
for (const [what, given, message] of refused) {
  test(`a data set is refused with the value and what was expected: ${what}`, () => {
    assert.throws(() => dataset({ ...options, ...given }), { name: 'RangeError', message });
  });
}

const large = dataset({ ...numbered(200), classNames, imageShape: [2, 3, 1] });
const all = ({ train, test, validation }: Dataset) =>
  [train, test, validation].flatMap((part) => (part ? numbersOf(part) : []));

test('split sets images aside, by count or fraction; no image is in two parts, and the seed decides which', () => {
  const data = split(large, { validation: 45, seed: 5 });
  assert.deepEqual([data.train.size, data.validation?.size, data.test.size], [155, 45, 0]);
  assert.deepEqual(all(data).sort((a, b) => a - b), upTo(200));
  assert.deepEqual(numbersOf(data.train), numbersOf(data.train).sort((a, b) => a - b), 'the order is kept');
  assert.deepEqual(all(split(large, { validation: 45, seed: 5 })), all(data));
  assert.notDeepEqual(all(split(large, { validation: 45, seed: 6 })), all(data));
  assert.notEqual(data.hash, large.hash);
  const both = split(large, { validation: 0.1, test: 0.25 });
  assert.deepEqual([both.train.size, both.validation?.size, both.test.size], [130, 20, 50]);
  assert.deepEqual(all(both).sort((a, b) => a - b), upTo(200));
  assert.deepEqual(numbersOf(both.test), numbersOf(split(large, { test: 50 }).test), 'whatever validation is');
});

test('each part has its share of each class', () => {
  const perClass = ({ labels }: Split) => [0, 1, 2].map((label) => labels.filter((l) => l === label).length);
  const { validation, test: tested } = split(large, { validation: 0.15, test: 31 });
  assert.deepEqual(validation && perClass(validation), [10, 10, 10]);
  assert.ok(perClass(tested).every((n) => n === 10 || n === 11));
});

test('a split that leaves nothing to train on, or that is made twice, is refused', () => {
  for (const validation of [1.5, -1, NaN, '3' as unknown as number])
    assert.throws(() => split(large, { validation }), /validation is .*; expected a number in \[0, 1\), or an integer ≥ 1/);
  assert.throws(() => split(large, { validation: 100, test: 0.5 }), /100 images to validate on and 100 to test on, of 200; some must/);
  const once = split(large, { validation: 10, test: 10 });
  assert.throws(() => split(once, { validation: 10 }), /has 10 validation images already; leave validation out/);
  assert.throws(() => split(once, { test: 10 }), /has 10 test images already/);
});
