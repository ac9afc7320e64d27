// The training loop: batches, steps, metrics, a test after each epoch. Whatever may stand around a training (curves,
// checkpoints, TensorBoard) reads its records: see watch, withCheckpoints, withTensorBoard.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type * as tf from '@tensorflow/tfjs-node';
import { batchBuffer, batchCount, batches } from '../data/batches';
import { compile } from '../engine/compile';
import { exclusive } from '../util/exclusive';
import { untilInterrupted } from '../util/interrupt';
import { testEpoch } from './evaluate';
import { readTrainOptions, type TrainData, type TrainOptions } from './options';
import { afterEpoch, afterStep, computeMetrics, imagesPerSecond, initialState, updateMetrics } from './records';
import { DivergedError, type EpochRecord, type OpenRun, type TrainingHooks, type TrainRecord } from './records';
import { keyAt, makeTestStep, makeTrainStep, runTrainStep, testInputs, trainInputs } from './step';

/** A training: its records, to be read by `for await`, and what it is made of. */
export interface Training extends AsyncGenerator<TrainRecord, void, undefined> {
  readonly model: tf.LayersModel;
  readonly data: TrainData;
  readonly options: TrainOptions;
  /** Gives it hooks, before the first record is asked for. */
  attach(this: void, hooks: TrainingHooks): void;
}

/**
 * Trains a model in place, as an async generator: a record after each step and each batch of the test, and after each epoch
 * one with its metrics. End it with `break`, or with an AbortSignal: after the current batch, with the model as it is then.
 *
 *     for await (const record of train(model, data, { epochs: 20, optimizer: sgd({ lr: 0.1 }) })) console.log(record);
 *
 * The model's variables are up to date at each epoch's record and at the end; in between, they are those of the epoch
 * before, or of the last checkpoint.
 * @throws RangeError at once for an unknown or impossible option, images that are not whole, labels that the model has no
 *   class for, or a batch that needs more memory than there is
 * @throws Error when the model is being trained by another call
 * @throws DivergedError when the loss is not finite any more, naming the step and what to try
 */
export function train(model: tf.LayersModel, data: TrainData, options: Partial<TrainOptions> = {}): Training {
  const settings = readTrainOptions(model, data, options);
  let hooks: TrainingHooks | undefined;
  const records = untilInterrupted(exclusive('train', model, () => run(model, data, settings, hooks)));
  const attach = (its: TrainingHooks): void => {
    if (hooks) throw new Error('train: this training has hooks already, such as withCheckpoints: wrap it once.');
    hooks = its;
  };
  return Object.assign(records, { model, data, options: settings, attach });
}

async function* run(
  model: tf.LayersModel,
  data: TrainData,
  options: TrainOptions,
  hooks: TrainingHooks | undefined,
): AsyncGenerator<TrainRecord, void, undefined> {
  const { epochs, batchSize, seed, signal } = options;
  const steps = batchCount(data.train.size, batchSize);
  const buffer = batchBuffer(data.train, batchSize);
  const trainStep = makeTrainStep(model, options);
  const functions = { train: trainStep.run, test: makeTestStep(model, options.loss) };
  const program = options.compiled ? compile(functions, { precision: options.precision }) : undefined;
  const { train: runStep, test: runTest } = program ?? functions;

  const scalarsAt = (epoch: number, step: number) => {
    const done = (epoch - 1) * steps + step - 1;
    return trainStep.scalarsAt(done + 1, done / (steps * epochs));
  };
  const isStopped = () => Boolean(signal?.aborted || hooks?.signal?.aborted);
  let state = initialState;
  let isSound = true;
  const open: OpenRun = {
    optimizerState: trainStep.optimizerState,
    state: () => state,
    sync: () => program?.sync(),
  };
  try {
    if (program) {
      // All shapes are recorded before the first step, so that the graph is loaded once.
      const { imageShape } = data.train;
      const tested = [data.test, ...(data.validation ? [data.validation] : [])];
      const scalars = scalarsAt(1, 1).length;
      for (const size of batchSizes([data.train], batchSize))
        program.prepare('train', ...trainInputs(size, imageShape, scalars));
      for (const size of batchSizes(tested, batchSize)) program.prepare('test', ...testInputs(size, imageShape));
    }
    state = hooks?.onOpen(open) ?? state;
    for (const record of state.history) yield { ...record, epochs, restored: true };

    while (state.epoch <= epochs && !isStopped()) {
      const { epoch, step: skip } = state;
      const shuffle = options.shuffle && { seed, epoch };
      let lr: number | undefined;
      for (const batch of batches(data.train, { batchSize, shuffle, skip, memory: buffer })) {
        const step = state.step + 1;
        const scalars = scalarsAt(epoch, step);
        lr = trainStep.lrOf(scalars);
        const started = performance.now();
        isSound = false;
        const { loss, correct } = runTrainStep(batch, runStep, keyAt(seed, epoch, step), scalars);
        if (!Number.isFinite(loss)) throw diverged(`${loss} at step ${step} of epoch ${epoch}`, lr);
        const seconds = (performance.now() - started) / 1000;
        const metrics = updateMetrics(state.metrics, { loss, correct, size: batch.size, seconds });
        state = afterStep(state, metrics);
        isSound = true;
        const accuracy = correct / batch.size;
        const speed = imagesPerSecond(metrics);
        const images = batch.size;
        yield { type: 'step', epoch, epochs, step, steps, loss, accuracy, lr, images, imagesPerSecond: speed };
        await nextTurn(); // lets messages in, such as a slider's
        if (isStopped()) return;
      }
      const results = yield* testEpoch(data, { epoch, epochs, batchSize }, runTest, isStopped);
      if (!results) return;
      lr ??= trainStep.lrOf(scalarsAt(epoch, steps)); // a resumed run may have had no step left
      const [test, validation] = results.map(computeMetrics);
      const record: EpochRecord = {
        ...{ type: 'epoch', epoch, epochs },
        train: computeMetrics(state.metrics),
        test,
        ...(validation && { validation }),
        bestBy: validation ? 'validation' : 'test',
        lr,
        seconds: [state.metrics, ...results].reduce((sum, { seconds }) => sum + seconds, 0),
        imagesPerSecond: imagesPerSecond(state.metrics),
      };
      const lost = [test, validation].find((metrics) => metrics && !Number.isFinite(metrics.loss));
      if (lost) {
        isSound = false;
        throw diverged(`${lost.loss} on new images, after epoch ${epoch}`, lr);
      }
      program?.sync();
      state = afterEpoch(state, record);
      yield record;
      await nextTurn();
      if (isStopped()) return;
    }
  } finally {
    program?.dispose();
    try {
      if (isSound) hooks?.onClose(open);
    } finally {
      trainStep.dispose();
    }
  }
}

function diverged(loss: string, lr: number): DivergedError {
  const advice = lr > 0 ? `Try a smaller learning rate, such as ${Number((lr / 3).toPrecision(1))}` : 'Check the data';
  return new DivergedError(`The loss is ${loss}, with lr ${lr}: the training has diverged. ${advice}`);
}

const batchSizes = (splits: readonly { size: number }[], batchSize: number): Set<number> =>
  new Set(splits.flatMap(({ size }) => [Math.min(batchSize, size), size % batchSize || Math.min(batchSize, size)]));
