import { permutation, subset } from './batches';
import { checkSplit } from './checkSplit';
import type { Split } from './cifar10';
import { random, shuffle } from './random';

export interface ValidationOptions {
  /** Which images are taken: 0 if left out. */
  readonly seed?: number;
  /** Takes as many of each class as the split has in proportion, give or take one: true if left out. */
  readonly stratified?: boolean;
}

/**
 * Sets `size` images aside, chosen by the seed, to judge a model on that learns from the rest. Both parts keep the
 * order of the split, and no image is in both.
 *
 * @throws when `size` is not an integer from 1 to one less than the split has.
 */
export function trainValidationSplit(
  split: Split,
  size: number,
  { seed = 0, stratified = true }: ValidationOptions = {},
): { rest: Split; validation: Split } {
  checkSplit('splitOff: the images', split);
  if (!Number.isInteger(size) || size < 1 || size >= split.size)
    throw new RangeError(`size: ${size}; expected an integer from 1 to ${split.size - 1}: some images must be left.`);
  const order = permutation(split.size, { seed, epoch: 0 });
  const chosen = new Uint8Array(split.size);
  for (const index of stratified ? stratify(split.labels, order, size, seed) : order.subarray(0, size))
    chosen[index] = 1;
  const indices = [...chosen.keys()];
  return {
    rest: subset(
      split,
      indices.filter((i) => !chosen[i]),
    ),
    validation: subset(
      split,
      indices.filter((i) => chosen[i]),
    ),
  };
}

/** The first images of each class in the order, as many as are its share; what rounding leaves goes to random classes. */
function stratify(labels: Uint8Array, order: Uint32Array, size: number, seed: number): number[] {
  const byClass: number[][] = [];
  for (const index of order) (byClass[labels[index]] ??= []).push(index);
  const classes = byClass.filter((indices) => indices !== undefined);
  const shares = classes.map((indices) => Math.floor((indices.length * size) / labels.length));
  let left = size - shares.reduce((sum, share) => sum + share, 0);
  for (const i of shuffle([...classes.keys()], random(seed, 1))) {
    if (left > 0 && shares[i] < classes[i].length) {
      shares[i]++;
      left--;
    }
  }
  return classes.flatMap((indices, i) => indices.slice(0, shares[i]));
}
