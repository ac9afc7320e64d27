// Random changes of the training images, made anew at each step. An augmentation is a function; write your own like these.
import * as tf from '@tensorflow/tfjs-node';
import { DataType, dataTypeOf, typeAttribute } from '../engine/backend';
import { executeOp } from '../engine/ops/call';
import { castTo, randomUniform, transformImages } from '../engine/ops/ops';
import { foldIn } from '../engine/ops/random';
import { checkHyperparameters, describeHyperparameter, type Hyperparameter, valueAt } from '../util/hyperparameters';
import { oneOf, readOptions } from '../util/options';

/** Part of the compiled step: tensors in, tensors out. */
export interface Augmentation {
  /**
   * @param images [N, H, W, C]: uint8, or float32 from 0 to 255 where an earlier augmentation gave that
   * @param key int32 [2]: all random numbers are a function of it, such as `randomUniform([N], key)`
   * @param scalars its hyperparameters at this step
   * @returns the same shape: uint8, or float32 from 0 to 255
   */
  (images: tf.Tensor4D, key: tf.Tensor1D, scalars: Readonly<Record<string, tf.Scalar>>): tf.Tensor4D;
  /** Numbers of its own that may change from step to step. */
  readonly hyperparameters?: Readonly<Record<string, Hyperparameter>>;
}

/**
 * A random part of each image: as torchvision's `RandomCrop`, the image is enlarged by a border, and one of its own size is
 * cut out at a random place.
 * @param padding pixels of border, a number ≥ 0 (fractions are cut off)
 * @param options.fill what the border shows: 'zero' (black), or 'reflect', the image mirrored at its edge. Default: 'zero'
 * @throws RangeError for anything else
 */
export function randomCrop(padding: Hyperparameter, options: { readonly fill?: 'zero' | 'reflect' } = {}): Augmentation {
  const { fill } = readOptions('randomCrop', { fill: oneOf<'zero' | 'reflect'>('zero', ['zero', 'reflect']) }, options);
  const crop: Augmentation = (images, key, scalars) => {
    const border = tf.floor(scalars.padding);
    const [left, top] = uniforms(images, key, 2).map((u) => tf.sub(integerBelow(u, tf.add(tf.mul(border, 2), 1)), border));
    const [zero, one] = [tf.zerosLike(left), tf.onesLike(left)];
    // Output pixel (x, y) shows input pixel (x + left, y + top).
    return transformImages(images, tf.stack([one, zero, left, zero, one, top, zero, zero], 1) as tf.Tensor2D, fill);
  };
  const text = fill === 'zero' ? '' : `, { fill: '${fill}' }`;
  return augmentation(crop, 'randomCrop', { padding }, {}, (value) => `${value}${text}`);
}

/**
 * Mirrors images left to right, as torchvision's `RandomHorizontalFlip`.
 * @param probability of each image to be mirrored, in [0, 1]. Default: 0.5
 * @throws RangeError for anything else
 */
export function randomFlip(probability: Hyperparameter = 0.5): Augmentation {
  const flip: Augmentation = (images, key, scalars) => {
    const [u] = uniforms(images, key, 1);
    const T = typeAttribute('T', dataTypeOf(images));
    const mirrored = executeOp('ReverseV2', [T, typeAttribute('Tidx', DataType.int32)], [images, tf.tensor1d([2], 'int32')]);
    // A condition for each image: whole images are copied, in a third of the time that a transform takes.
    return executeOp('Select', [T], [tf.less(u, scalars.probability), mirrored, images]) as tf.Tensor4D;
  };
  const ranges = { probability: { max: 1 } };
  return augmentation(flip, 'randomFlip', { probability }, ranges, (value) => (value === '0.5' ? '' : value));
}

/**
 * Covers a square of each image, at a random place, as DeVries and Taylor (2017, arXiv 1708.04552): its center lies anywhere
 * in the image, so that some of it may lie outside. The square is gray, about 0 after normalization by 0.5.
 * @param size of the square in pixels, a number ≥ 0 (fractions are cut off)
 * @throws RangeError for anything else
 */
export function cutout(size: Hyperparameter): Augmentation {
  const cut: Augmentation = (images, key, scalars) => {
    const [, height, width, channels] = images.shape;
    const side = tf.floor(scalars.size);
    // [N, length]: whether the square covers a row, and a column of each channel.
    const [rows, columns] = uniforms(images, key, 2).map((u, axis) => {
      const length = axis === 0 ? height : width;
      const places = [...Array(length).keys()].flatMap((place) => Array<number>(axis === 0 ? 1 : channels).fill(place));
      const start = tf.sub(integerBelow(u, tf.scalar(length)), tf.floor(tf.div(side, 2)));
      const fromStart = tf.sub(tf.tensor2d([places]), tf.reshape(start, [-1, 1]));
      return tf.logicalAnd(tf.greaterEqual(fromStart, 0), tf.less(fromStart, side));
    });
    const mask = tf.logicalAnd(tf.reshape(rows, [-1, height, 1]), tf.reshape(columns, [-1, 1, width * channels]));
    // Not tf.where, which takes bytes for int32.
    const type = dataTypeOf(images);
    const inputs = [tf.reshape(mask, images.shape), castTo(tf.scalar(GRAY), type), images];
    return executeOp('SelectV2', [typeAttribute('T', type)], inputs) as tf.Tensor4D;
  };
  return augmentation(cut, 'cutout', { size }, {}, (value) => value);
}

const GRAY = 128;

/**
 * Applies augmentations one after the other, each with random numbers of its own.
 * @param images uint8 [N, H, W, C]
 * @param key int32 [2]: the same key gives the same images
 * @param scalars the hyperparameters of each. Default: what they are at the beginning of a run
 * @returns the same shape
 * @throws RangeError when an augmentation returns another shape
 */
export const augmentBatch = (
  images: tf.Tensor4D,
  key: tf.Tensor1D,
  augmentations: readonly Augmentation[],
  scalars: readonly Readonly<Record<string, tf.Scalar>>[] = augmentations.map(scalarsAtStart),
): tf.Tensor4D =>
  tf.tidy(() =>
    augmentations.reduce((batch, augment, index) => {
      const result = augment(batch, foldIn(key, `augment${index}`), scalars[index]);
      if (result?.shape?.join() === images.shape.join()) return result;
      throw new RangeError(
        `augment: ${nameOf(augment)} returned ${result?.shape ? `the shape [${result.shape.join(', ')}]` : String(result)}; ` +
          `expected a tensor of the images' shape, [${images.shape.join(', ')}].`,
      );
    }, images.clone()),
  );

/**
 * Bytes as numbers around 0: torchvision's ToTensor, then Normalize(mean, std).
 * @param images uint8, or any type with values from 0 to 255, [N, H, W, C]
 * @param options.mean, options.std in [0, 1]: one number, or one for each channel. Default: 0.5 and 0.5, which give −1 to 1
 * @returns float32
 */
export function normalize(
  images: tf.Tensor,
  { mean = 0.5, std = 0.5 }: { readonly mean?: number | readonly number[]; readonly std?: number | readonly number[] } = {},
): tf.Tensor {
  const channels = Math.max([mean].flat().length, [std].flat().length);
  const [means, stds] = [mean, std].map((value) => (typeof value === 'number' ? Array<number>(channels).fill(value) : value));
  const scale = stds.map((s) => 1 / (255 * s));
  const offset = means.map((m, c) => m / stds[c]);
  // One scalar where one is enough: a compiled step then takes all in one pass.
  const constant = (values: number[]) => (new Set(values).size === 1 ? values[0] : tf.tensor1d(values));
  return tf.tidy(() => tf.sub(tf.mul(castTo(images, DataType.float32), constant(scale)), constant(offset)));
}

/** Uniform random numbers in [0, 1): `count` independent ones for each image. */
const uniforms = (images: tf.Tensor4D, key: tf.Tensor1D, count: number): tf.Tensor1D[] =>
  tf.unstack(randomUniform([images.shape[0], count], key), 1) as tf.Tensor1D[];

/** Uniform integers from 0 to n − 1. */
const integerBelow = (u: tf.Tensor1D, n: tf.Tensor): tf.Tensor1D => tf.floor(tf.mul<tf.Tensor1D>(u, n));

const scalarsAtStart = ({ hyperparameters = {} }: Augmentation) =>
  Object.fromEntries(Object.entries(hyperparameters).map(([name, value]) => [name, tf.scalar(valueAt(value, 0))]));

const nameOf = (augment: Augmentation): string => (/^[\w.]+\(.*\)$/.test(String(augment)) ? String(augment) : augment.name);

/** Completes an augmentation: its one hyperparameter, checked, and a text that reads as the call that made it. */
function augmentation<Name extends string>(
  augment: Augmentation,
  name: string,
  values: Readonly<Record<Name, Hyperparameter>>,
  ranges: Parameters<typeof checkHyperparameters<Name>>[2],
  argumentsOf: (value: string) => string,
): Augmentation {
  const hyperparameters = checkHyperparameters(name, values, ranges);
  const [value] = Object.values<Hyperparameter>(values);
  const text = `${name}(${argumentsOf(describeHyperparameter(value))})`;
  return Object.assign(augment, { hyperparameters, toString: () => text });
}
