import { copyImages, emptySplit, slice, type Split } from './dataset';
import { random, shuffle } from './random';

/** Some images of a split: as many as the batch size, or what was left for the last batch. */
export type Batch = Split;

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
  const isFitting = ({ order, batch }: BatchBuffer) =>
    order.length === split.size && batch.size === batchSize && String(batch.imageShape) === String(split.imageShape);
  if (memory && !isFitting(memory)) {
    throw new RangeError(
      `memory: for ${memory.order.length} images in batches of ${memory.batch.size}; expected batchBuffer(split, ${batchSize}) ` +
        `of this split, which has ${split.size}.`,
    );
  }
  const order = shuffle ? permutation(split.size, shuffle, memory?.order) : undefined;
  return cut(split, batchSize, skip, order, memory?.batch);
}

/** Memory for the shuffled batches of any number of epochs. */
export const batchBuffer = (split: Split, batchSize: number): BatchBuffer => ({
  order: new Uint32Array(split.size),
  batch: emptySplit(split, batchSize),
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

function* cut(
  split: Split,
  batchSize: number,
  skip: number,
  order?: Uint32Array,
  memory?: Split,
): Generator<Batch, void, undefined> {
  for (let from = skip * batchSize; from < split.size; from += batchSize) {
    const chosen = order?.subarray(from, from + batchSize);
    yield chosen ? copyImages(split, chosen, memory ?? emptySplit(split, chosen.length)) : slice(split, from, batchSize);
  }
}
