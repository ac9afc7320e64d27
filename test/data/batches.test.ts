import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  batchCount,
  batches,
  batchBuffer,
  take,
  permutation,
  subset,
  type Batch,
} from 'cifar10/data';
import type { Split } from 'cifar10/data';
import { random, randomInteger, shuffle } from 'cifar10/data';
import { splitOf } from '../images';

/** Image i has the bytes i, its label is i % 10. */
function numbered(size: number): Split {
  const images = new Uint8Array(size * 3072);
  for (let i = 0; i < size; i++) images.fill(i, i * 3072, (i + 1) * 3072);
  return splitOf(
    images,
    Uint8Array.from({ length: size }, (_, i) => i % 10),
  );
}

/** The numbers of the images in a batch or split, each checked to be one image with its own label. */
function numbers({ images, labels, size }: Batch): number[] {
  assert.equal(images.length, size * 3072);
  return Array.from(labels, (label, i) => {
    const number = images[i * 3072];
    assert.ok(images.subarray(i * 3072, (i + 1) * 3072).every((byte) => byte === number));
    assert.equal(label, number % 10);
    return number;
  });
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const sorted = (values: number[]) => [...values].sort((a, b) => a - b);

test('batches come in order, and the last, smaller one is kept', () => {
  const all = [...batches(numbered(20), { batchSize: 8 })];
  assert.deepEqual(
    all.map(({ size }) => size),
    [8, 8, 4],
  );
  assert.deepEqual(all.flatMap(numbers), upTo(20));
  assert.equal(batchCount(50_000, 256), 196);
});

test('batches in order are views, shuffled ones are copies', () => {
  const split = numbered(20);
  for (const { images, labels } of batches(split, { batchSize: 8 })) {
    assert.equal(images.buffer, split.images.buffer);
    assert.equal(labels.buffer, split.labels.buffer);
  }
  for (const { images } of batches(split, { batchSize: 8, shuffle: { seed: 1, epoch: 1 } }))
    assert.notEqual(images.buffer, split.images.buffer);
});

test('batches that are written over show the same images, in one piece of memory for all epochs', () => {
  const split = numbered(20);
  const memory = batchBuffer(split, 8);
  const buffers = new Set<ArrayBufferLike>();
  for (const epoch of [1, 2]) {
    const options = { batchSize: 8, shuffle: { seed: 1, epoch } };
    const expected = [...batches(split, options)];
    let count = 0;
    for (const batch of batches(split, { ...options, memory })) {
      assert.deepEqual(batch, expected[count++]);
      buffers.add(batch.images.buffer);
    }
    assert.equal(count, expected.length);
  }
  assert.equal(buffers.size, 1);
});

test('memory of other sizes is refused', () => {
  const options = { batchSize: 8, shuffle: { seed: 1, epoch: 1 } };
  for (const memory of [batchBuffer(numbered(19), 8), batchBuffer(numbered(20), 7), batchBuffer({ ...numbered(20), imageShape: [32, 48, 2] }, 8)]) {
    assert.throws(() => batches(numbered(20), { ...options, memory }), /^RangeError: memory: .*batchBuffer\(split, 8\)/);
  }
});

test('a batch has 256 images unless told otherwise, or all of a smaller split', () => {
  assert.deepEqual(
    [...batches(numbered(250))].map(({ size }) => size),
    [250],
  );
  const split = splitOf(new Uint8Array(300 * 3072));
  assert.deepEqual(
    [...batches(split)].map(({ size }) => size),
    [256, 44],
  );
});

test('shuffled batches hold every image once, in an order that seed and epoch decide', () => {
  const split = numbered(100);
  const order = (seed: number, epoch: number) =>
    [...batches(split, { batchSize: 16, shuffle: { seed, epoch } })].flatMap(numbers);
  const first = order(0, 1);
  assert.deepEqual(sorted(first), upTo(100));
  assert.deepEqual(order(0, 1), first);
  assert.deepEqual(first, [...permutation(100, { seed: 0, epoch: 1 })]);
  const orders = [upTo(100), first, order(0, 2), order(1, 1), order(1, 0), order(2 ** 32, 1)];
  assert.equal(new Set(orders.map(String)).size, orders.length);
});

test('a run that goes on in the middle of an epoch gets the batches that were left', () => {
  for (const shuffle of [false, { seed: 3, epoch: 2 }] as const) {
    const all = [...batches(numbered(50), { batchSize: 8, shuffle })].map(numbers);
    const rest = [...batches(numbered(50), { batchSize: 8, shuffle, skip: 4 })].map(numbers);
    assert.deepEqual(rest, all.slice(4));
    assert.deepEqual([...batches(numbered(50), { batchSize: 8, shuffle, skip: 7 })], []);
  }
});

test('an impossible option is named at once, with its value and what is allowed', () => {
  const split = numbered(20);
  for (const batchSize of [0, -1, 2.5, 21, NaN, '8' as unknown as number])
    assert.throws(
      () => batches(split, { batchSize }),
      new RegExp(`batchSize: ${batchSize}; expected an integer from 1 to 20`),
    );
  for (const skip of [-1, 4, 0.5]) assert.throws(() => batches(split, { batchSize: 8, skip }), /skip: .* from 0 to 3/);
  for (const seed of [-1, 0.5, NaN])
    assert.throws(() => batches(split, { shuffle: { seed, epoch: 1 } }), /integer from 0 on; got/);
});

test('images can only be taken from where there are some', () => {
  const split = numbered(20);
  assert.deepEqual([...subset(split, [19, 0]).labels], [split.labels[19], split.labels[0]]);
  for (const place of [20, -1, 0.5, NaN])
    assert.throws(
      () => subset(split, [0, place]),
      new RegExp(`subset: index ${place}; expected an integer from 0 to 19`),
    );
});

test('the first images are a view of the split, and all of it where it has fewer', () => {
  const split = numbered(20);
  const first = take(split, 3);
  assert.deepEqual([first.size, [...first.labels]], [3, [...split.labels.subarray(0, 3)]]);
  assert.equal(first.images.length, 3 * 3072);
  assert.equal(first.images.buffer, split.images.buffer);
  assert.deepEqual(take(split, 21), split);
  for (const count of [0, -1, 1.5, NaN]) {
    assert.throws(() => take(split, count), new RegExp(`count is ${count}; expected an integer ≥ 1`));
  }
});

test('every order of a shuffle is about as frequent', () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 24_000; seed++) {
    const order = shuffle([0, 1, 2, 3], random(seed)).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 24);
  const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert.ok(chiSquared < 52, `${chiSquared}`); // 23 degrees of freedom: p = 0.0005
});

for (const n of [0, -3, 2.5, NaN, 2 ** 33]) {
  test(`a random integer below ${n} is refused`, () => {
    assert.throws(() => randomInteger(random(0), n), /n is .*; expected an integer from 1 to 2\^32/);
  });
}

test('random integers are uniform, and bits do not depend on one another', () => {
  const next = random(0);
  const counts = new Array<number>(10).fill(0);
  const bits = new Array<number>(32).fill(0);
  let agreeing = 0; // neighbours that share their lowest bit
  let before = 0;
  for (let i = 0; i < 100_000; i++) {
    counts[randomInteger(next, 10)]++;
    const value = next();
    for (let bit = 0; bit < 32; bit++) bits[bit] += (value >>> bit) & 1;
    agreeing += 1 - ((value ^ before) & 1);
    before = value;
  }
  assert.ok(counts.every((n) => Math.abs(n - 10_000) < 450)); // 4.7 standard deviations
  assert.ok(bits.every((n) => Math.abs(n - 50_000) < 750));
  assert.ok(Math.abs(agreeing - 50_000) < 750);
});

test('a key gives the same numbers on every machine', () => {
  const next = random(1, 2, 3);
  assert.deepEqual([next(), next(), next()], [2268097243, 3444718324, 132930303]);
});
