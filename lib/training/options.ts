import { isNumberIn, oneOf, type Rule, type Rules, inspectValue, trueOrFalse, wholeNumber } from '../util/options';
import type { Precision } from '../engine/precision';
import type { CropAndFlip } from './cropAndFlip';
import { type OptimizerName } from './optimizers';
import type { Schedule } from './schedules';

export interface TrainOptions {
  /** Times that all training images are seen. Default: 10. */
  readonly epochs: number;
  /** Images a step. Default: 256. */
  readonly batchSize: number;
  /** Learning rate: a number, or a function of progress (0 to 1). Default: 0.1; 0.001 for Adam. */
  readonly lr: number | Schedule;
  /** Share of the last step that is repeated, 0 to below 1, or a function of progress. Default: 0; 0.9 for Adam, whose β₁ it is. */
  readonly momentum: number | Schedule;
  /** How gradients become steps: SGD with momentum, or Adam. Default: 'sgd'. */
  readonly optimizer: OptimizerName;
  /** Pull of all parameters towards 0, added to the gradient. Default: 0. */
  readonly weightDecay: number | Schedule;
  /** Random crops (pixels of padding) and flips of the training images, or a function of progress. Default: none. */
  readonly augment: Partial<CropAndFlip> | ((progress: number) => Partial<CropAndFlip>);
  /** A new random order in each epoch. Default: true (the runs that follow the PyTorch original have it off). */
  readonly shuffle: boolean;
  /** Decides order, crops, flips and dropout masks. Default: 0. */
  readonly seed: number;
  /** Number format of the matrix work. Default: 'auto', bfloat16 where the hardware computes it natively. */
  readonly precision: Precision;
  /** Whether steps run as one TensorFlow graph; false runs them op by op, for debugging. Default: true. */
  readonly compiled: boolean;
  /** Training images to set aside, chosen by seed, and to test on beside the test images. Default: 0. */
  readonly validation: number;
  /** Where and how often to save, so that the same call goes on after an end of any kind. Default: nowhere. */
  readonly checkpoint: CheckpointOptions | undefined;
  /** A folder for TensorBoard's files, one for each run: curves, and pictures of mistakes. Default: none. */
  readonly tensorboard: string | undefined;
  /** Ends the run after the current batch. */
  readonly signal: AbortSignal | undefined;
}

const scheduled = (standard: number, expected: string, limit?: number): Rule<number | Schedule> => ({
  default: standard,
  expected: `${expected}, or a function of progress that gives one`,
  accepts: (value) => typeof value === 'function' || isFiniteIn(value, limit),
});

const isFiniteIn = (value: unknown, limit?: number): boolean => Number.isFinite(value) && isNumberIn(value, 0, limit);

export interface CheckpointOptions {
  /** A folder of this run's own; it is made where there is none. */
  readonly dir: string;
  /** Saves after every so many seconds. Default: 60, unless `everyEpochs` is given. */
  readonly everySeconds?: number;
  /** Saves after every so many epochs. */
  readonly everyEpochs?: number;
  /** How many of the newest are kept, beside the best. Default: 2. */
  readonly keep?: number;
  /**
   * What to do with a checkpoint in the folder. 'exact' (the default) goes on as if the run had never stopped, and refuses
   * where that is impossible; 'weights' starts a new run from its weights; 'ignore' starts a new run from the model as it is.
   * The checkpoints of runs before a new one stay.
   */
  readonly resume?: 'exact' | 'weights' | 'ignore';
}

/** What Adam is given where nothing else is said; SGD's are the defaults below. Source: PyTorch's. */
const ADAM = { lr: 0.001, momentum: 0.9 };

/** Options with the optimiser's own defaults, for those of them that there are. */
export function withOptimizer<T extends Partial<Pick<TrainOptions, 'optimizer' | 'lr' | 'momentum'>>>(
  options: T,
  names: readonly (keyof typeof ADAM)[] = ['lr', 'momentum'],
): T {
  if (options?.optimizer !== 'adam') return options;
  const missing = names.filter((name) => options[name] === undefined);
  return { ...options, ...Object.fromEntries(missing.map((name) => [name, ADAM[name]])) };
}

export const trainRules: Rules<TrainOptions> = {
  epochs: wholeNumber(10, 1),
  batchSize: wholeNumber(256, 1),
  lr: scheduled(0.1, 'a number from 0 on, such as 0.1'),
  momentum: scheduled(0, 'a number from 0 to below 1, such as 0.9', 1),
  weightDecay: scheduled(0, 'a number from 0 on, such as 1e-4'),
  optimizer: oneOf<OptimizerName>('sgd', ['sgd', 'adam']),
  augment: {
    default: {},
    expected: '{ crop: pixels of padding from 0 to 16, flip: true or false }, or a function of progress that gives one',
    accepts: (value) => typeof value === 'function' || isAugmentation(value),
  },
  shuffle: trueOrFalse(true),
  seed: wholeNumber(0),
  precision: oneOf<Precision>('auto', ['auto', 'float32', 'bfloat16']),
  compiled: trueOrFalse(true),
  validation: wholeNumber(0),
  checkpoint: {
    default: undefined,
    expected:
      "{ dir: 'a folder', everySeconds: number above 0, everyEpochs: whole number, keep: whole number, resume: 'exact', 'weights' or 'ignore' }",
    accepts: isCheckpoint,
  },
  tensorboard: {
    default: undefined,
    expected: "a folder, such as 'data/tensorboard/deep'",
    accepts: (value) => typeof value === 'string' && value !== '',
  },
  signal: {
    default: undefined,
    expected: 'an AbortSignal',
    accepts: (value) => value instanceof AbortSignal,
  },
};

function isAugmentation(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { crop = 0, flip = false, ...unknown } = value as Record<string, unknown>;
  const isCrop = Number.isInteger(crop) && isNumberIn(crop, 0, 17);
  return isCrop && typeof flip === 'boolean' && Object.keys(unknown).length === 0;
}

function isCheckpoint(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const {
    dir,
    everySeconds = 60,
    everyEpochs = 1,
    keep = 2,
    resume = 'exact',
    ...unknown
  } = value as Record<string, unknown>;
  const isCount = (count: unknown) => Number.isSafeInteger(count) && (count as number) >= 1;
  return (
    typeof dir === 'string' &&
    dir !== '' &&
    isFiniteIn(everySeconds) &&
    everySeconds !== 0 &&
    isCount(everyEpochs) &&
    isCount(keep) &&
    ['exact', 'weights', 'ignore'].includes(resume as string) &&
    Object.keys(unknown).length === 0
  );
}

/**
 * What an option is at a point of the run.
 * @throws RangeError when a schedule gives what the option may not be
 */
export function valueAt(name: 'lr' | 'momentum' | 'weightDecay', option: number | Schedule, progress: number): number {
  if (typeof option === 'number') return option;
  const value = option(progress);
  const { accepts, expected } = trainRules[name];
  if (typeof value !== 'number' || !accepts(value)) {
    throw new RangeError(
      `train: ${name} gave ${String(value)} at progress ${progress.toFixed(3)}; expected ${expected}.`,
    );
  }
  return value;
}

/**
 * The augmentation at a point of the run, whole.
 * @param owner for the error, such as “train”
 * @throws RangeError when a function gives what it may not be
 */
export function augmentationAt(owner: string, augment: TrainOptions['augment'], progress: number): CropAndFlip {
  const value = typeof augment === 'function' ? augment(progress) : augment;
  if (!isAugmentation(value)) {
    const { expected } = trainRules.augment;
    throw new RangeError(
      `${owner}: augment gave ${inspectValue(value)} at progress ${progress.toFixed(3)}; expected ${expected}.`,
    );
  }
  const { crop = 0, flip = false } = value;
  return { crop, flip };
}
