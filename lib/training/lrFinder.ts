// A learning-rate range test (Smith 2015, arXiv 1506.01186), and what it suggests.
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-node';
import { type Batch, batchBuffer, batchCount, batches } from '../data/batches';
import { compile } from '../engine/compile';
import { warnOfEmulation } from '../engine/precision';
import { checkMemory } from '../models/memory';
import { namedParameters } from '../models/stateDict';
import { exclusive } from '../util/exclusive';
import { untilInterrupted } from '../util/interrupt';
import { valueAt } from '../util/hyperparameters';
import { readOptions, type Rule, type Rules, wholeNumber } from '../util/options';
import { checkImages, type TrainData, type TrainOptions, trainRules } from './options';
import type { Optimizer } from './optimizers';
import { isGroups, keyAt, makeTrainStep, runTrainStep, trainInputs } from './step';

/** Beside its own options, the options of `train` that affect a step; pass the same values. */
export interface FindLrOptions extends Pick<
  TrainOptions,
  'optimizer' | 'loss' | 'augment' | 'batchSize' | 'shuffle' | 'seed' | 'precision' | 'signal'
> {
  /** The first learning rate. Default: 1e-5. */
  readonly from: number;
  /** The last one, unless the loss explodes before. Default: 10. */
  readonly to: number;
  /** How many are tried, each on one batch. Default: 100. */
  readonly steps: number;
}

const positive = (standard: number): Rule<number> => ({
  default: standard,
  expected: 'a number > 0',
  accepts: (value) => typeof value === 'number' && value > 0 && value < Infinity,
});

const { optimizer, loss, augment, batchSize, shuffle, seed, precision, signal } = trainRules;
const rules: Rules<FindLrOptions> = {
  from: positive(1e-5),
  to: positive(10),
  steps: wholeNumber(100, 2),
  ...{ optimizer, loss, augment, batchSize, shuffle, seed, precision, signal },
};

/** One step of `findLr`. */
export interface LrRecord {
  /** From 1. */
  readonly step: number;
  readonly steps: number;
  /** Learning rate of this step. */
  readonly lr: number;
  /** Loss on this batch, before the update. */
  readonly loss: number;
}

/** The loss counts as exploded when it is this many times its lowest, both smoothed; fastai's number. */
const EXPLOSION = 4;

/**
 * Looks for a good learning rate: trains on one batch after another, with a learning rate that grows from step to step by
 * the same factor, until the loss explodes. An async generator: a record after each step; `lrSearch` reads a suggestion off
 * them, `watchLr` shows all of it.
 *
 *     const search = await watchLr(findLr(model, data, { optimizer: sgd({ momentum: 0.9 }) }));
 *
 * The optimizer's own learning rate is replaced; of several groups, those of the others grow in proportion to the last one's.
 * When it ends, by `break` or an error too, the model's variables are what they were, to the last bit; batch norm's
 * statistics as well. Only whole batches are used, again and again where there are fewer than steps.
 * @throws RangeError at once for an unknown or impossible option, labels that the model has no class for, or a batch that
 *   needs more memory than there is
 * @throws Error when the model is being trained by another call
 */
export function findLr(
  model: tf.LayersModel,
  data: Pick<TrainData, 'train'>,
  options: Partial<FindLrOptions> = {},
): AsyncGenerator<LrRecord, void, undefined> {
  const settings = readOptions('findLr', rules, options);
  const { from, to, batchSize } = settings;
  if (from >= to) throw new RangeError(`findLr: from is ${from} and to is ${to}; expected a from below to.`);
  checkImages('findLr: the training images', model, data.train);
  batchCount(data.train.size, batchSize);
  checkMemory('findLr', 'training', model, batchSize);
  warnOfEmulation('findLr', settings.precision);
  return untilInterrupted(exclusive('findLr', model, () => search(model, data.train, settings)));
}

async function* search(
  model: tf.LayersModel,
  split: TrainData['train'],
  options: FindLrOptions,
): AsyncGenerator<LrRecord, void, undefined> {
  const { from, to, steps, batchSize, seed, signal } = options;
  const restore = remember(namedParameters(model).map(({ variable }) => variable));
  let lr = from;
  const trainStep = makeTrainStep(model, { ...options, optimizer: withLr(options.optimizer, () => lr) });
  const program = compile({ train: trainStep.run }, { precision: options.precision });
  const losses: number[] = [];
  try {
    program.prepare('train', ...trainInputs(batchSize, split.imageShape, trainStep.scalarsAt(1, 0).length));
    for (const batch of wholeBatches(split, options)) {
      if (losses.length === steps || signal?.aborted) return;
      const step = losses.length + 1;
      lr = from * (to / from) ** ((step - 1) / (steps - 1));
      const scalars = trainStep.scalarsAt(step, 0);
      const { loss } = runTrainStep(batch, program.train, keyAt(seed, 1, step), scalars);
      if (!Number.isFinite(loss)) return;
      losses.push(loss);
      yield { step, steps, lr, loss };
      await nextTurn();
      const smooth = smoothLosses(losses);
      if (smooth[smooth.length - 1] > EXPLOSION * Math.min(...smooth)) return;
    }
  } finally {
    program.dispose();
    trainStep.dispose();
    restore();
  }
}

/** The same optimizer with another learning rate. */
function withLr(optimizer: FindLrOptions['optimizer'], lr: () => number): FindLrOptions['optimizer'] {
  const replace = (use: Optimizer, factor: number): Optimizer => ({
    ...use,
    hyperparameters: { ...use.hyperparameters, lr: () => factor * lr() },
  });
  if (!isGroups(optimizer)) return replace(optimizer, 1);
  const rates = optimizer.map(({ use }) => valueAt(use.hyperparameters.lr, 0));
  const last = rates[rates.length - 1];
  return optimizer.map((group, index) => ({ ...group, use: replace(group.use, last > 0 ? rates[index] / last : 1) }));
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
  split: TrainData['train'],
  { batchSize, shuffle, seed }: Pick<FindLrOptions, 'batchSize' | 'shuffle' | 'seed'>,
): Generator<Batch, void, undefined> {
  const buffer = batchBuffer(split, batchSize);
  for (let epoch = 1; ; epoch++) {
    for (const batch of batches(split, { batchSize, shuffle: shuffle && { seed, epoch }, memory: buffer })) {
      if (batch.size === batchSize) yield batch;
    }
  }
}

/** What a search for a learning rate found. */
export interface LrSearch {
  /** A step each: its loss as it was, and smoothed over its neighbours. */
  readonly points: readonly { readonly lr: number; readonly loss: number; readonly smoothed: number }[];
  /** A learning rate to train with; undefined where the loss did not fall clearly. */
  readonly suggestion?: number;
}

/**
 * Reads the records of `findLr`. The suggestion is the middle of the slope: the first learning rate at which the smoothed
 * loss has come half of its way down to its lowest. There it falls fast, with room to spare before it explodes. (The steepest
 * point, which others take, lies nearby, but jumps about with the noise.) There is none unless the loss has fallen by more
 * than the batches differ among themselves.
 */
export function lrSearch(records: readonly Pick<LrRecord, 'lr' | 'loss'>[]): LrSearch {
  const smoothed = smoothLosses(records.map(({ loss }) => loss));
  const points = records.map(({ lr, loss }, index) => ({ lr, loss, smoothed: smoothed[index] }));
  if (points.length <= REACH) return { points };
  const [start, lowest] = [smoothed[0], Math.min(...smoothed)];
  const wayDown = points.slice(0, smoothed.indexOf(lowest) + 1);
  const squares = wayDown.map(({ loss, smoothed }) => (loss - smoothed) ** 2);
  const spread = Math.sqrt(squares.reduce((a, b) => a + b) / squares.length);
  // Rounding makes even equal losses fall a little.
  if (start - lowest <= Math.max(spread, 1e-3 * start)) return { points };
  return { points, suggestion: wayDown.find(({ smoothed }) => smoothed <= (start + lowest) / 2)?.lr };
}

/** Steps to either side that a smoothed loss takes in. */
const REACH = 5;

/** Each loss as a mean of its neighbours, the near ones counting more; centered, so that nothing is moved to the right. */
export function smoothLosses(losses: readonly number[]): number[] {
  return losses.map((_, index) => {
    let [sum, weights] = [0, 0];
    for (let distance = -REACH; distance <= REACH; distance++) {
      const loss = losses[index + distance] as number | undefined;
      if (loss === undefined) continue;
      const weight = REACH + 1 - Math.abs(distance);
      sum += weight * loss;
      weights += weight;
    }
    return sum / weights;
  });
}
