import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-node';
import { type Batch, batchCount, batches, batchBuffer } from '../data/batches';
import type { Dataset, Split } from '../data/dataset';
import { trainableParameters, namedParameters } from '../models/stateDict';
import { isNumberIn, readOptions, type Rule, type Rules, wholeNumber } from '../util/options';
import { compile } from '../engine/compile';
import { warnOfEmulation } from '../engine/precision';
import type { CropAndFlip } from './cropAndFlip';
import { exclusive } from './claim';
import { checkImages } from './evaluate';
import { runTrainStep, randomKey } from './learn';
import { type LrRecord, smoothLosses } from './lrSearch';
import { checkMemory } from '../models/memory';
import { optimizers } from './optimizers';
import { augmentationAt, type TrainOptions, trainRules, withOptimizer } from './options';
import { learnInputs, makeTrainStep } from './steps';

type SharedOptions = Pick<
  TrainOptions,
  'optimizer' | 'batchSize' | 'augment' | 'shuffle' | 'seed' | 'precision' | 'signal'
>;

/**
 * Beside its own options, those of `train` that decide how a step goes: give it the same. (Of an augmentation that is a
 * function of progress, what it gives at the start counts.)
 */
export interface FindLrOptions extends SharedOptions {
  /** The first learning rate. Default: 1e-5. */
  readonly from: number;
  /** The last one, unless the loss explodes before. Default: 10. */
  readonly to: number;
  /** How many are tried, each on one batch. Default: 100. */
  readonly steps: number;
  /** Default: 0; 0.9 for Adam. */
  readonly momentum: number;
  /** Default: 0. */
  readonly weightDecay: number;
}

const positive = (standard: number): Rule<number> => ({
  default: standard,
  expected: 'a number above 0',
  accepts: (value) => isNumberIn(value, Number.MIN_VALUE),
});

const share = (expected: string, limit?: number): Rule<number> => ({
  default: 0,
  expected,
  accepts: (value) => Number.isFinite(value) && isNumberIn(value, 0, limit),
});

const { optimizer, batchSize, augment, shuffle, seed, precision, signal } = trainRules;
const rules: Rules<FindLrOptions> = {
  from: positive(1e-5),
  to: positive(10),
  steps: wholeNumber(100, 2),
  momentum: share('a number from 0 to below 1, such as 0.9', 1),
  weightDecay: share('a number from 0 on, such as 1e-4'),
  ...{ optimizer, batchSize, augment, shuffle, seed, precision, signal },
};

/** The loss counts as exploded when it is this many times its lowest, both smoothed; fastai's number. */
const EXPLOSION = 4;

/**
 * Looks for a good learning rate (Smith 2015, arXiv 1506.01186): trains on one batch after another, with a learning rate
 * that grows from step to step by the same factor, until the loss explodes. An async generator: a record after each step;
 * `lrSearch` reads a suggestion off them, `watchLr` shows all of it.
 *
 *     const search = await watchLr(findLr(model, data, { momentum: 0.9 }));
 *
 * When it ends, by `break` or an error too, the model's variables are what they were, to the last bit; batch norm's
 * statistics as well. Only whole batches are used, again and again where there are fewer than steps.
 * @throws RangeError at once for an unknown or impossible option, labels that the model has no class for, or a batch that
 *   needs more memory than there is
 * @throws Error when the model is being trained by another call
 */
export function findLr(
  model: tf.LayersModel,
  { train }: Pick<Dataset, 'train'>,
  options: Partial<FindLrOptions> = {},
): AsyncGenerator<LrRecord, void, undefined> {
  const settings = readOptions('findLr', rules, withOptimizer(options, ['momentum']));
  const { from, to, batchSize } = settings;
  if (from >= to) throw new RangeError(`findLr: from is ${from} and to is ${to}; expected a from below to.`);
  checkImages('findLr: the training images', model, train);
  batchCount(train.size, batchSize);
  checkMemory('findLr', 'training', model, batchSize);
  warnOfEmulation('findLr', settings.precision);
  const fixed = { ...settings, augment: augmentationAt('findLr', settings.augment, 0) };
  return exclusive('findLr', model, () => search(model, train, fixed));
}

async function* search(
  model: tf.LayersModel,
  split: Split,
  options: FindLrOptions & { readonly augment: CropAndFlip },
): AsyncGenerator<LrRecord, void, undefined> {
  const { from, to, steps, momentum, weightDecay, seed, signal, augment } = options;
  const restore = remember(namedParameters(model).map(({ variable }) => variable));
  const optimizer = optimizers[options.optimizer](
    trainableParameters(namedParameters(model)).map(({ variable }) => variable),
  );
  const learn = makeTrainStep(model, optimizer, augment);
  const program = compile({ learn }, { precision: options.precision });
  const losses: number[] = [];
  try {
    program.prepare('learn', ...learnInputs(options.batchSize, split.imageShape));
    for (const batch of wholeBatches(split, options)) {
      if (losses.length === steps || signal?.aborted) return;
      const step = losses.length + 1;
      const lr = from * (to / from) ** ((step - 1) / (steps - 1));
      const { loss } = runTrainStep(batch, program.learn, randomKey(seed, 1, step), [lr, momentum, weightDecay]);
      if (!Number.isFinite(loss)) return;
      losses.push(loss);
      yield { step, steps, lr, loss };
      await nextTurn();
      const smooth = smoothLosses(losses);
      if (smooth[smooth.length - 1] > EXPLOSION * Math.min(...smooth)) return;
    }
  } finally {
    program.dispose();
    optimizer.dispose();
    restore();
  }
}

/** Holds on to the values of variables; what it returns gives them back. */
function remember(variables: readonly tf.Variable[]): () => void {
  // A clone shares its variable's memory, which an assignment replaces and never overwrites.
  const values = variables.map((variable) => tf.keep(variable.clone()));
  return () => {
    variables.forEach((variable, index) => variable.assign(values[index]));
    tf.dispose(values);
  };
}

/** Epoch after epoch without end. */
function* wholeBatches(
  split: Split,
  { batchSize, shuffle, seed }: Pick<FindLrOptions, 'batchSize' | 'shuffle' | 'seed'>,
): Generator<Batch, void, undefined> {
  const memory = batchBuffer(split, batchSize);
  for (let epoch = 1; ; epoch++) {
    for (const batch of batches(split, { batchSize, shuffle: shuffle && { seed, epoch }, memory })) {
      if (batch.size === batchSize) yield batch;
    }
  }
}
