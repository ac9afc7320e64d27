// Training images set aside, to validate or test a model on.
import { inspectValue } from '../util/options';
import { permutation } from './batches';
import { type Dataset, toDataset, type Split, subset } from './dataset';
import { random, shuffle } from './random';

export interface SplitOptions {
  /** Training images to validate on: a fraction below 1, or how many. Default: 0. */
  readonly validation?: number;
  /** Training images to test on, for a data set without test images: a fraction below 1, or how many. Default: 0. */
  readonly test?: number;
  /** Decides which. Default: 0. */
  readonly seed?: number;
}

/**
 * A data set with some of its training images set aside: as many of each class as its share, give or take one. All parts
 * keep the order of the training images, and no image is in two of them. A `test` set is the same whatever `validation` is.
 *
 *     const data = split(await loadCifar10(), { validation: 0.1, seed: 0 });
 *
 * @throws RangeError when nothing would be left to train on, or the data set has validation or test images already
 */
export function split(data: Dataset, { validation = 0, test = 0, seed = 0 }: SplitOptions): Dataset {
  const all = data.train.size;
  const sizes = { validation: sizeOf('validation', validation, all), test: sizeOf('test', test, all) };
  for (const part of ['validation', 'test'] as const) {
    const has = data[part]?.size ?? 0;
    if (sizes[part] > 0 && has > 0) {
      throw new RangeError(`split: the data set has ${has} ${part} images already; leave ${part} out.`);
    }
  }
  if (sizes.validation + sizes.test >= all) {
    throw new RangeError(
      `split: ${sizes.validation} images to validate on and ${sizes.test} to test on, of ${all}; some must be left to train on.`,
    );
  }
  const parts = { ...data };
  if (sizes.test > 0) [parts.train, parts.test] = setAside(parts.train, sizes.test, seed);
  if (sizes.validation > 0) [parts.train, parts.validation] = setAside(parts.train, sizes.validation, seed);
  return toDataset(parts);
}

function sizeOf(name: string, share: number, all: number): number {
  const isFraction = share >= 0 && share < 1;
  if (!isFraction && !(Number.isInteger(share) && share >= 1)) {
    throw new RangeError(`split: ${name} is ${inspectValue(share)}; expected a number in [0, 1), or an integer ≥ 1.`);
  }
  return isFraction ? Math.round(share * all) : share;
}

/** Sets images aside, as many of each class as is its share. */
function setAside(split: Split, size: number, seed: number): [rest: Split, aside: Split] {
  const order = permutation(split.size, { seed, epoch: 0 });
  const chosen = new Uint8Array(split.size);
  for (const index of stratify(split.labels, order, size, seed)) chosen[index] = 1;
  const indices = [...chosen.keys()];
  const where = (value: 0 | 1) =>
    subset(
      split,
      indices.filter((i) => chosen[i] === value),
    );
  return [where(0), where(1)];
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
