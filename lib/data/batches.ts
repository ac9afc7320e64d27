import type { Split } from './cifar10';
import { PIXEL_BYTES } from './files';
import { random, shuffle } from './random';

export interface Batch {
  /** [size, 32, 32, 3], uint8. */
  readonly images: Uint8Array;
  /** [size], uint8. */
  readonly labels: Uint8Array;
  /** The batch size, or what was left for the last batch. */
  readonly size: number;
}

/** Which order: a pure function of both. */
export interface Shuffle {
  readonly seed: number;
  readonly epoch: number;
}

export interface BatchOptions {
  /** Images in a batch: 256 if left out, or all of a split that has fewer. */
  readonly batchSize?: number;
  /** A random order, another one for each seed and epoch; if left out (or false), the order of the split. */
  readonly shuffle?: Shuffle | false;
  /** Batches to leave out at the start, for a run that goes on in the middle of an epoch. */
  readonly skip?: number;
  /**
   * Where shuffled batches are put, each over the one before: it spares time and memory, if one is done with each before the
   * next, and with tensors that were made of it, too, which may share its memory.
   */
  readonly memory?: BatchBuffer;
}

/** What a shuffled epoch writes: its order, and the batch at hand. */
export interface BatchBuffer {
  readonly order: Uint32Array;
  readonly batch: Split;
}

const DEFAULT_BATCH_SIZE = 256;

/**
 * Cuts a split into batches; the last one is smaller where the batch size does not divide the split.
 * Batches in the split's own order are views of it, without a copy; shuffled ones are copies (see `memory`).
 *
 * @throws when `batchSize` is not an integer from 1 to the size of the split, `skip` is beyond the last batch, or `memory` is
 *   of other sizes
 */
export function batches(split: Split, options: BatchOptions = {}): Generator<Batch, void, undefined> {
  const { batchSize = Math.min(DEFAULT_BATCH_SIZE, split.size), shuffle = false, skip = 0, memory } = options;
  const count = batchCount(split.size, batchSize);
  if (!Number.isInteger(skip) || skip < 0 || skip > count)
    throw new RangeError(`skip: ${skip}; expected an integer from 0 to ${count}, the number of batches.`);
  if (memory && (memory.order.length !== split.size || memory.batch.size !== batchSize)) {
    throw new RangeError(
      `memory: for ${memory.order.length} images in batches of ${memory.batch.size}; expected ` +
        `batchMemory(${split.size}, ${batchSize}).`,
    );
  }
  const order = shuffle ? permutation(split.size, shuffle, memory?.order) : undefined;
  return order ? cutShuffled(split, order, batchSize, skip, memory?.batch) : cut(split, batchSize, skip);
}

/** Memory for the shuffled batches of any number of epochs. */
export const batchBuffer = (size: number, batchSize: number): BatchBuffer => ({
  order: new Uint32Array(size),
  batch: emptySplit(batchSize),
});

/**
 * How many batches `size` images make: the last, smaller one counts.
 *
 * @throws when `batchSize` is not an integer from 1 to `size`.
 */
export function batchCount(size: number, batchSize: number): number {
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > size)
    throw new RangeError(`batchSize: ${batchSize}; expected an integer from 1 to ${size}, the number of images.`);
  return Math.ceil(size / batchSize);
}

/** The numbers 0 to size − 1 in the random order of (seed, epoch); written over `order`, if given. */
export function permutation(size: number, { seed, epoch }: Shuffle, order: Uint32Array = new Uint32Array(size)): Uint32Array {
  for (let i = 0; i < size; i++) order[i] = i;
  return shuffle(order, random(seed, epoch));
}

/**
 * The images at these places, copied into a split of their own.
 * @throws RangeError for a place where there is none
 */
export const subset = (split: Split, indices: ArrayLike<number>): Split =>
  copyImages(split, indices, emptySplit(indices.length));

const emptySplit = (size: number): Split => ({
  images: new Uint8Array(size * PIXEL_BYTES),
  labels: new Uint8Array(size),
  size,
});

/** Copies the images at these places to the beginning of `to`; gives that beginning. */
function copyImages(split: Split, indices: ArrayLike<number>, to: Split): Split {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!(Number.isInteger(index) && index >= 0 && index < split.size)) {
      throw new RangeError(`takeImages: place ${index}; expected a whole number from 0 to ${split.size - 1}.`);
    }
    to.images.set(split.images.subarray(index * PIXEL_BYTES, (index + 1) * PIXEL_BYTES), i * PIXEL_BYTES);
    to.labels[i] = split.labels[index];
  }
  return indices.length === to.size ? to : slice(to, 0, indices.length);
}

/**
 * The first images of a split, as a view of it, without a copy; all of them, where it has fewer.
 * @throws RangeError when `count` is not a whole number from 1
 */
export function take(split: Split, count: number): Split {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`firstImages: count is ${count}; expected a whole number from 1.`);
  }
  return slice(split, 0, count);
}

/** `count` images from a place on, or as many as there are, as a view of the split. */
export function slice({ images, labels, size }: Split, from: number, count: number): Split {
  const to = Math.min(from + count, size);
  return { images: images.subarray(from * PIXEL_BYTES, to * PIXEL_BYTES), labels: labels.subarray(from, to), size: to - from };
}

function* cut(split: Split, batchSize: number, skip: number): Generator<Batch, void, undefined> {
  for (let from = skip * batchSize; from < split.size; from += batchSize) yield slice(split, from, batchSize);
}

function* cutShuffled(
  split: Split,
  order: Uint32Array,
  batchSize: number,
  skip: number,
  memory?: Split,
): Generator<Batch, void, undefined> {
  for (let from = skip * batchSize; from < split.size; from += batchSize) {
    const places = order.subarray(from, from + batchSize);
    yield copyImages(split, places, memory ?? emptySplit(places.length));
  }
}
