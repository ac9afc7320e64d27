import { setImmediate as nextTurn } from 'node:timers/promises';
import type * as tf from '@tensorflow/tfjs-node';
import { batchCount, batches, batchBuffer } from '../data/batches';
import type { Dataset, Split } from '../data/dataset';
import { trainValidationSplit } from '../data/split';
import { trainableParameters, namedParameters } from '../models/stateDict';
import { readOptions } from '../util/options';
import { compile, type Program } from '../engine/compile';
import { warnOfEmulation } from '../engine/precision';
import { type CheckpointManager, openCheckpointManager } from '../checkpoint/resume';
import { exclusive } from './claim';
import { checkImages, fit, tallies } from './evaluate';
import { type Hyperparameters, runTrainStep, randomKey } from './learn';
import { checkMemory } from '../models/memory';
import { optimizers } from './optimizers';
import { augmentationAt, type TrainOptions, trainRules, valueAt, withOptimizer } from './options';
import { afterEpoch, afterStep, type TrainerState, initialState } from './position';
import type { EpochRecord, TestRecord, TrainRecord } from './records';
import { KNOBS, learnInputs, LIVE_KNOBS, makeTestStep, makeTrainStep, testInputs } from './steps';
import { stopRequest } from '../checkpoint/sigterm';
import { updateMetrics, emptyMetrics, imagesPerSecond, computeMetrics, type RunningMetrics } from './tally';
import { logged } from '../runs/tensorboard';

/** Training and test images: what dataset and loadCifar10 give, or parts of it. */
export type TrainData = Pick<Dataset, 'train' | 'test'>;

/**
 * Trains a model in place, as an async generator: a record after each step and each batch of the test, and after each epoch
 * one with its scores. End it with `break`, or with an AbortSignal: after the current batch, with the model as it is then.
 *
 *     for await (const record of train(model, data, { epochs: 20, lr: 0.1, momentum: 0.9 })) console.log(record);
 *
 * Loss: mean cross entropy; optimiser: SGD or Adam (sgd.ts, adam.ts). The model's variables are up to date at each epoch's
 * record and at the end; in between, they are those of the epoch before, or of the last checkpoint.
 * With a checkpoint folder, a run that was ended goes on where it was, bit for bit, when it is called again in the same
 * way; the epochs before are then yielded first, marked as `restored`.
 * @throws RangeError at once for an unknown or impossible option, images that are not whole, labels that the model has no
 *   class for, or a batch that needs more memory than there is
 * @throws Error when the model is being trained by another call; when the checkpoint in the folder is another run's, naming
 *   what differs, or has more epochs; when the loss is not finite any more, naming the step and what to try
 * @throws SaveError when another training saves into the folder, or it can't be written
 */
export function train(
  model: tf.LayersModel,
  data: TrainData,
  options: Partial<TrainOptions> = {},
): AsyncGenerator<TrainRecord, void, undefined> {
  const settings = readOptions('train', trainRules, withOptimizer(options));
  if (!settings.compiled && settings.precision === 'bfloat16') {
    throw new RangeError(
      "train: precision is 'bfloat16' with compiled: false; expected 'float32' or 'auto': op by op, there is no other.",
    );
  }
  checkImages('train: the training images', model, data.train);
  checkImages('train: the test images', model, data.test);
  const splits = splitData(data, settings);
  batchCount(splits.train.size, settings.batchSize);
  checkMemory('train', settings.compiled ? 'training' : 'training op by op', model, settings.batchSize);
  warnOfEmulation('train', settings.precision);
  const records = exclusive('train', model, () => run(model, splits, settings));
  return settings.tensorboard === undefined ? records : logged(records, model, splits, settings);
}

interface Splits {
  readonly train: Split;
  readonly test: Split;
  readonly validation?: Split;
}

function splitData({ train, test }: TrainData, { validation, seed }: TrainOptions): Splits {
  if (validation === 0) return { train, test };
  if (validation >= train.size) {
    throw new RangeError(
      `train: validation is ${validation}; expected a whole number from 0 to ${train.size - 1}: of the ${train.size} training ` +
        'images, some must be left to learn from.',
    );
  }
  const parts = trainValidationSplit(train, validation, { seed });
  return { train: parts.rest, validation: parts.validation, test };
}

async function* run(
  model: tf.LayersModel,
  splits: Splits,
  options: TrainOptions,
): AsyncGenerator<TrainRecord, void, undefined> {
  const { epochs, batchSize, seed } = options;
  const steps = batchCount(splits.train.size, batchSize);
  const memory = batchBuffer(splits.train, batchSize);
  const optimizer = optimizers[options.optimizer](
    trainableParameters(namedParameters(model)).map(({ variable }) => variable),
  );
  const functions = {
    learn: makeTrainStep(model, optimizer, isLive(options) ? 'live' : augmentationAt('train', options.augment, 0)),
    test: makeTestStep(model),
  };
  const program = options.compiled ? compile(functions, { precision: options.precision }) : undefined;
  const { learn, test } = program ?? functions;
  const stop = stopRequest(options);
  let keeper: ReturnType<typeof openCheckpointManager> | undefined;
  let position = initialState;
  let isSound = true;
  try {
    if (program) prepareShapes(program, splits, batchSize, isLive(options) ? LIVE_KNOBS : KNOBS);
    keeper = openCheckpointManager(model, optimizer, [splits.train, splits.test, splits.validation], options);
    position = keeper?.restored ?? initialState;
    for (const record of position.history) yield { ...record, epochs, restored: true };
    while (position.epoch <= epochs && !stop.signal.aborted) {
      const { epoch, step: skip } = position;
      let lr: number | undefined;
      const shuffle = options.shuffle && { seed, epoch };
      for (const batch of batches(splits.train, { batchSize, shuffle, skip, memory })) {
        const step = position.step + 1;
        const knobs = knobsAt(options, epoch, step, steps);
        const started = performance.now();
        lr = knobs[0];
        isSound = false;
        const { loss, correct } = runTrainStep(batch, learn, randomKey(seed, epoch, step), knobs);
        if (!Number.isFinite(loss)) throw divergence(`${loss} at step ${step} of epoch ${epoch}`, lr, keeper);
        const seconds = (performance.now() - started) / 1000;
        const tally = updateMetrics(position.tally, { loss, correct, size: batch.size, seconds });
        position = afterStep(position, tally);
        isSound = true;
        const accuracy = correct / batch.size;
        const speed = imagesPerSecond(tally);
        const common = { epoch, epochs, step, steps, loss, accuracy, lr, imagesPerSecond: speed };
        yield { type: 'step', ...common, ...(keeper?.isResumable && { resumable: true }) };
        await nextTurn();
        if (stop.signal.aborted) return;
        if (keeper?.isDue()) keeper.save(position, () => program?.sync());
      }
      // After a restart there may be no step left in the epoch: then the schedule tells.
      lr ??= knobsAt(options, epoch, steps, steps)[0];
      const record = yield* testEpoch(splits, position, lr, options, test, stop.signal);
      if (!record) return;
      const lost = [record.test, record.validation].find((score) => score && !Number.isFinite(score.loss));
      if (lost) {
        isSound = false;
        throw divergence(`${lost.loss} on new images, after epoch ${epoch}`, lr, keeper);
      }
      program?.sync();
      position = afterEpoch(position, record);
      keeper?.saveEpoch(position);
      yield record;
      await nextTurn();
      if (stop.signal.aborted) return;
    }
  } finally {
    program?.dispose();
    try {
      keeper?.close(isSound ? position : undefined);
    } finally {
      optimizer.dispose();
      stop.done();
    }
  }
}

/** Records both functions for the batches to come: whole ones, and each split's last one. */
function prepareShapes(
  program: Pick<Program<{ learn: ReturnType<typeof makeTrainStep>; test: ReturnType<typeof makeTestStep> }>, 'prepare'>,
  { train, test, validation }: Splits,
  batchSize: number,
  knobs: number,
): void {
  const sizesOf = ({ size }: Split) => [Math.min(batchSize, size), size % batchSize || Math.min(batchSize, size)];
  const { imageShape } = train;
  for (const size of new Set(sizesOf(train))) program.prepare('learn', ...learnInputs(size, imageShape, knobs));
  const tested = [test, ...(validation ? [validation] : [])];
  for (const size of new Set(tested.flatMap(sizesOf))) program.prepare('test', ...testInputs(size, imageShape));
}

/** Classifies the images that an epoch ends with: yields how far it is, gives the epoch's record, or nothing if stopped. */
async function* testEpoch(
  splits: Splits,
  { epoch, tally }: TrainerState,
  lr: number,
  options: TrainOptions,
  test: ReturnType<typeof makeTestStep>,
  signal: AbortSignal,
): AsyncGenerator<TestRecord, EpochRecord | undefined, undefined> {
  const { epochs, batchSize } = options;
  const tested = [splits.test, ...(splits.validation ? [splits.validation] : [])];
  const batches = sum(tested.map(({ size }) => batchCount(size, fit(batchSize, size))));
  const results: RunningMetrics[] = [];
  let batch = 0;
  for (const split of tested) {
    let result = emptyMetrics();
    for await (result of tallies(split, batchSize, test)) {
      yield { type: 'test', epoch, epochs, batch: ++batch, batches };
      if (signal.aborted) return undefined;
    }
    results.push(result);
  }
  const [score, validation] = results.map(computeMetrics);
  return {
    type: 'epoch',
    epoch,
    epochs,
    train: computeMetrics(tally),
    test: score,
    ...(splits.validation && { validation }),
    lr,
    seconds: sum([tally, ...results].map(({ seconds }) => seconds)),
    imagesPerSecond: imagesPerSecond(tally),
  };
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

/** The knobs of a step (from 1): schedules see the share of the run that is done before it. */
function knobsAt(options: TrainOptions, epoch: number, step: number, steps: number): Hyperparameters {
  const { lr, momentum, weightDecay, epochs } = options;
  const progress = (epoch - 1 + (step - 1) / steps) / epochs;
  return [
    valueAt('lr', lr, progress),
    valueAt('momentum', momentum, progress),
    valueAt('weightDecay', weightDecay, progress),
    ...(isLive(options) ? liveAugmentation(options, progress) : []),
  ];
}

/** Whether crops and flips may change from step to step. */
const isLive = ({ augment }: TrainOptions): boolean => typeof augment === 'function';

function liveAugmentation({ augment }: TrainOptions, progress: number): [crop: number, flip: number] {
  const { crop, flip } = augmentationAt('train', augment, progress);
  return [crop, Number(flip)];
}

function divergence(loss: string, lr: number, keeper: CheckpointManager | undefined): Error {
  const advice = lr > 0 ? `Try a smaller learning rate, such as ${Number((lr / 3).toPrecision(1))}` : 'Check the data';
  const way = keeper?.rescue() ?? 'the model holds no good weights any more: make a new one';
  return new Error(`The loss is ${loss}, with lr ${lr}: the training has diverged. ${advice}; ${way}.`);
}
