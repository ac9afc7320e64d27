// The options of train: what each may be, and its default.
import type * as tf from '@tensorflow/tfjs-node';
import type { Augmentation } from '../data/augment';
import { batchCount } from '../data/batches';
import { checkSplit, type Dataset, type ImageArray, type Split } from '../data/dataset';
import { type Precision, warnOfEmulation } from '../engine/precision';
import { inspectValue, oneOf, readOptions, type Rules, trueOrFalse, wholeNumber } from '../util/options';
import { crossEntropy, type Loss } from './losses';
import { checkMemory } from '../models/memory';
import { type Optimizer, type ParameterGroup, sgd } from './optimizers';

export interface TrainOptions {
  /** Passes over the training images. Default: 10. */
  readonly epochs: number;
  /** Images per step. Default: 256. */
  readonly batchSize: number;
  /** How gradients become steps; a list gives groups of parameters an optimizer each. Default: sgd({ lr: 0.1 }). */
  readonly optimizer: Optimizer | readonly ParameterGroup[];
  /** The function to minimize. Default: crossEntropy(). */
  readonly loss: Loss;
  /** Random changes of the training images, one after the other, anew at each step. Default: none. */
  readonly augment: readonly Augmentation[];
  /** A new random order in each epoch. Default: true (the runs that follow the PyTorch original have it off). */
  readonly shuffle: boolean;
  /** Decides order, augmentation and dropout masks. Default: 0. */
  readonly seed: number;
  /** Number format of the matrix work. Default: 'auto', bfloat16 where the hardware has matrix units for it. */
  readonly precision: Precision;
  /** Whether steps run as one TensorFlow graph; false runs them op by op, for debugging. Default: true. */
  readonly compiled: boolean;
  /** Ends the run after the current batch. Default: none. */
  readonly signal: AbortSignal | undefined;
}

/** The images to learn from and to test on: what loadCifar10 or dataset gives. */
export type TrainData = Pick<Dataset, 'train' | 'test' | 'validation'>;

const isFunction = (value: unknown): boolean => typeof value === 'function';

const isOptimizer = (value: unknown): boolean => {
  const { name, hyperparameters, update } = (value ?? {}) as Partial<Optimizer>;
  const isRecord = typeof hyperparameters === 'object' && hyperparameters !== null;
  return typeof name === 'string' && isRecord && 'lr' in hyperparameters && isFunction(update);
};

const isGroup = (value: unknown): boolean => {
  const { where, use } = (value ?? {}) as Partial<ParameterGroup>;
  return isOptimizer(use) && (where === undefined || isFunction(where));
};

export const trainRules: Rules<TrainOptions> = {
  epochs: wholeNumber(10, 1),
  batchSize: wholeNumber(256, 1),
  optimizer: {
    default: sgd(),
    expected:
      'an optimizer, such as sgd({ lr: 0.1 }), or a list of groups, such as [{ where: isBiasOrNorm, use: sgd() }, { use: sgd() }]',
    accepts: (value) => isOptimizer(value) || (Array.isArray(value) && value.length > 0 && value.every(isGroup)),
  },
  loss: {
    default: crossEntropy(),
    expected: 'a function of logits and labels, such as crossEntropy()',
    accepts: isFunction,
  },
  augment: {
    default: [],
    expected: 'a list of functions of images, such as [randomCrop(4), randomFlip()]',
    accepts: (value) => Array.isArray(value) && value.every(isFunction),
  },
  shuffle: trueOrFalse(true),
  seed: wholeNumber(0),
  precision: oneOf<Precision>('auto', ['auto', 'float32', 'bfloat16']),
  compiled: trueOrFalse(true),
  signal: { default: undefined, expected: 'an AbortSignal', accepts: (value) => value instanceof AbortSignal },
};

/**
 * The options of train, checked against model and data.
 * @throws RangeError for whatever can't be trained so, before anything is done
 */
export function readTrainOptions(model: tf.LayersModel, data: TrainData, given: Partial<TrainOptions>): TrainOptions {
  const options = readOptions('train', trainRules, given);
  const { compiled, precision, batchSize } = options;
  if (!compiled && precision === 'bfloat16') {
    throw new RangeError(
      "train: precision is 'bfloat16' with compiled: false; expected 'float32' or 'auto': op by op, there is no other.",
    );
  }
  checkImages('train: the training images', model, data.train);
  checkImages('train: the test images', model, data.test);
  if (data.validation) checkImages('train: the validation images', model, data.validation);
  batchCount(data.train.size, batchSize);
  checkMemory('train', compiled ? 'training' : 'training op by op', model, batchSize);
  warnOfEmulation('train', precision);
  return options;
}

/**
 * @param what names the images in the error, such as “train: the test images”
 * @throws RangeError for a split that is not whole, images of another shape than the model's, or a label that it has no class for
 */
export function checkImages(what: string, model: tf.LayersModel, split: Split): void {
  checkInput(what, model, split);
  if (!(split.labels instanceof Uint8Array)) {
    throw new RangeError(
      `${what}: labels are ${inspectValue(split.labels)}; expected a Uint8Array, one for each image.`,
    );
  }
  const classes = classCount(model);
  const wrong = split.labels.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw new RangeError(
      `${what}: label ${split.labels[wrong]} of image ${wrong}; the model tells ${classes} classes apart, 0 to ${classes - 1}.`,
    );
  }
}

/** @throws RangeError for images that are not whole, or of another shape than the model's */
export function checkInput(what: string, model: tf.LayersModel, images: ImageArray): void {
  checkSplit(what, images);
  const expected = (model.inputs[0].shape as number[]).slice(1);
  if (images.imageShape.join() === expected.join()) return;
  throw new RangeError(
    `${what} have the shape [${images.imageShape.join(', ')}]; ${model.name} takes [${expected.join(', ')}]: make it with ` +
      'inputShape: data.imageShape.',
  );
}

export const classCount = (model: tf.LayersModel): number => (model.outputShape as tf.Shape)[1] ?? 0;
