import * as tf from '@tensorflow/tfjs-node';
import { type Batch, batchCount, batches } from '../data/batches';
import type { Cifar10, Split } from '../data/cifar10';
import { random } from '../data/random';
import { splitOff } from '../data/validation';
import { readOptions } from '../options';
import { compile } from '../tensor/compile';
import { checkLabels, nextTurn, readScore, scoreOf } from './evaluate';
import { type TrainOptions, trainRules, valueAt } from './options';
import type { TrainRecord } from './records';
import { sgd } from './sgd';
import { makeTestStep, makeTrainStep } from './steps';
import { startTally } from './tally';

/** Training and test images: what loadCifar10 gives, or a part of it. */
export type TrainData = Pick<Cifar10, 'train' | 'test'>;

/**
 * Trains a model in place, as an async generator: a record after each step, and after each epoch one with the test score.
 * End it with `break`, or with an AbortSignal: after the current batch, with the model as it is then.
 *
 *     for await (const record of train(model, data, { epochs: 20, lr: 0.1, momentum: 0.9 })) console.log(record);
 *
 * Loss: mean cross entropy; optimiser: SGD (see sgd.ts). The model's variables are up to date at each epoch's record and at
 * the end.
 * @throws RangeError at once for an unknown or impossible option, or labels that the model has no class for
 * @throws Error when the loss is not finite any more, naming the step and what to try
 */
export function train(
  model: tf.LayersModel,
  data: TrainData,
  options: Partial<TrainOptions> = {},
): AsyncGenerator<TrainRecord, void, undefined> {
  const settings = readOptions('train', trainRules, options);
  const splits = splitData(data, settings);
  for (const split of [splits.train, splits.test]) checkLabels('train', model, split);
  batchCount(splits.train.size, settings.batchSize);
  return run(model, splits, settings);
}

interface Splits {
  readonly train: Split;
  readonly test: Split;
  readonly validation?: Split;
}

function splitData({ train, test }: TrainData, { validation, seed }: TrainOptions): Splits {
  if (validation === 0) return { train, test };
  const parts = splitOff(train, validation, { seed });
  return { train: parts.rest, validation: parts.validation, test };
}

async function* run(
  model: tf.LayersModel,
  splits: Splits,
  options: TrainOptions,
): AsyncGenerator<TrainRecord, void, undefined> {
  const { epochs, batchSize, seed, signal } = options;
  const steps = batchCount(splits.train.size, batchSize);
  const optimizer = sgd(model.trainableWeights.map((weight) => weight.read() as tf.Variable));
  const functions = {
    learn: makeTrainStep(model, optimizer, { crop: 0, flip: false, ...options.augment }),
    test: makeTestStep(model),
  };
  const program = options.compiled ? compile(functions, { precision: options.precision }) : undefined;
  const { learn, test } = program ?? functions;
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const tally = startTally();
      const order = { batchSize, shuffle: options.shuffle && { seed, epoch } };
      let [step, lr] = [0, 0];
      for (const batch of batches(splits.train, order)) {
        const knobs = knobsAt(options, (epoch - 1 + step / steps) / epochs);
        [step, lr] = [step + 1, knobs[0]];
        const { loss, correct } = learnFrom(batch, learn, randomKey(seed, epoch, step), knobs);
        if (!Number.isFinite(loss)) throw new Error(divergence(loss, epoch, step, lr));
        tally.add({ loss, correct, size: batch.size });
        const accuracy = correct / batch.size;
        const imagesPerSecond = tally.imagesPerSecond();
        yield { type: 'step', epoch, epochs, step, steps, loss, accuracy, lr, imagesPerSecond };
        await nextTurn();
        if (signal?.aborted) return;
      }
      const scores = {
        train: tally.score(),
        test: await scoreOf(splits.test, batchSize, test),
        validation: splits.validation && (await scoreOf(splits.validation, batchSize, test)),
      };
      program?.sync();
      const [imagesPerSecond, seconds] = [tally.imagesPerSecond(), tally.seconds()];
      yield { type: 'epoch', epoch, epochs, ...scores, lr, seconds, imagesPerSecond };
      if (signal?.aborted) return;
    }
  } finally {
    program?.dispose();
    optimizer.dispose();
  }
}

type Knobs = [lr: number, momentum: number, weightDecay: number];

const knobsAt = ({ lr, momentum, weightDecay }: TrainOptions, progress: number): Knobs => [
  valueAt('lr', lr, progress),
  valueAt('momentum', momentum, progress),
  valueAt('weightDecay', weightDecay, progress),
];

function learnFrom(
  batch: Batch,
  learn: ReturnType<typeof makeTrainStep>,
  key: [number, number],
  knobs: Knobs,
): { loss: number; correct: number } {
  const keyTensor = tf.tensor1d(key, 'int32');
  const knobTensor = tf.tensor1d(knobs);
  try {
    return readScore(batch, (images, labels) => learn(images, labels, keyTensor, knobTensor));
  } finally {
    tf.dispose([keyTensor, knobTensor]);
  }
}

/** What a step's random numbers are a function of. */
function randomKey(seed: number, epoch: number, step: number): [number, number] {
  const next = random(seed, epoch, step);
  return [next() | 0, next() | 0];
}

const divergence = (loss: number, epoch: number, step: number, lr: number): string =>
  `The loss is ${loss} at step ${step} of epoch ${epoch}, with lr ${lr}: the training has diverged. ` +
  `Make a new model and try a smaller learning rate, such as ${lr / 3 > 0 ? (lr / 3).toPrecision(1) : lr}.`;
