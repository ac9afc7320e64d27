// How good a model is, and what it answers.
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-node';
import { batchCount, batches } from '../data/batches';
import type { ImageArray, Split } from '../data/dataset';
import { compile } from '../engine/compile';
import { type Precision, warnOfEmulation } from '../engine/precision';
import { normalizeFor } from '../models/define';
import { checkMemory } from '../models/memory';
import { oneOf, readOptions, type Rules, wholeNumber } from '../util/options';
import { crossEntropy, type Loss } from './losses';
import { checkImages, checkInput, classCount, type TrainData, type TrainOptions, trainRules } from './options';
import {
  computeMetrics,
  emptyMetrics,
  type Metrics,
  type RunningMetrics,
  type TestRecord,
  updateMetrics,
} from './records';
import { type BatchResult, imageTensor, makeTestStep, runTestStep } from './step';

export interface PredictOptions {
  /** Images at a time. Default: 256. */
  readonly batchSize: number;
  /** Number format of the matrix work. Default: 'auto'. */
  readonly precision: Precision;
}

export interface EvaluateOptions extends PredictOptions {
  /** Default: crossEntropy(). */
  readonly loss: Loss;
}

const predictRules: Rules<PredictOptions> = {
  batchSize: wholeNumber(256, 1),
  precision: oneOf<Precision>('auto', ['auto', 'float32', 'bfloat16']),
};

/**
 * The model's loss (mean over the batches) and accuracy on a split; dropout is off.
 * @throws RangeError for an unknown or impossible option, images of another shape than the model's, labels that it has no
 *   class for, or a batch that needs more memory than there is
 */
export async function evaluate(
  model: tf.LayersModel,
  split: Split,
  options: Partial<EvaluateOptions> = {},
): Promise<Metrics> {
  const rules = { ...predictRules, loss: { ...trainRules.loss, default: crossEntropy() } };
  const { batchSize, precision, loss } = readOptions<EvaluateOptions>('evaluate', rules, options);
  checkImages('evaluate: the images', model, split);
  warnOfEmulation('evaluate', precision);
  checkMemory('evaluate', 'testing', model, Math.min(batchSize, split.size));
  const program = compile({ test: makeTestStep(model, loss) }, { precision });
  try {
    let metrics = emptyMetrics();
    for await (metrics of testBatches(split, batchSize, program.test));
    return computeMetrics(metrics);
  } finally {
    program.dispose();
  }
}

/**
 * The model's probabilities for each class of each image; dropout is off.
 * @returns [N, classes], row after row
 * @throws RangeError for an unknown or impossible option, images of another shape than the model's, or a batch that needs more
 *   memory than there is
 */
export async function predict(
  model: tf.LayersModel,
  images: ImageArray,
  options: Partial<PredictOptions> = {},
): Promise<Float32Array> {
  const { batchSize, precision } = readOptions('predict', predictRules, options);
  checkInput('predict: the images', model, images);
  warnOfEmulation('predict', precision);
  checkMemory('predict', 'testing', model, Math.min(batchSize, images.size));
  const classify = (batch: tf.Tensor) => ({
    probabilities: tf.softmax(model.apply(normalizeFor(model, batch)) as tf.Tensor2D),
  });
  const program = compile({ classify }, { precision });
  try {
    const probabilities = new Float32Array(images.size * classCount(model));
    let done = 0;
    const split = { ...images, labels: new Uint8Array(images.size), classNames: [] };
    for (const batch of batches(split, { batchSize: Math.min(batchSize, images.size) })) {
      const input = imageTensor(batch);
      try {
        const output = program.classify(input).probabilities;
        probabilities.set(output.dataSync(), done * classCount(model));
        output.dispose();
      } finally {
        input.dispose();
      }
      done += batch.size;
      await nextTurn();
    }
    return probabilities;
  } finally {
    program.dispose();
  }
}

type TestStep = (images: tf.Tensor, labels: tf.Tensor) => BatchResult;

/** Runs a test step over a whole split; yields the metrics so far after each batch. */
async function* testBatches(split: Split, batchSize: number, test: TestStep): AsyncGenerator<RunningMetrics, void> {
  let metrics = emptyMetrics();
  for (const batch of batches(split, { batchSize: Math.min(batchSize, split.size) })) {
    const started = performance.now();
    const result = runTestStep(batch, test);
    metrics = updateMetrics(metrics, { ...result, size: batch.size, seconds: (performance.now() - started) / 1000 });
    await nextTurn(); // lets messages in
    yield metrics;
  }
}

/**
 * Classifies the images that an epoch ends with: the test images, then the validation images.
 * @returns the metrics of each; undefined where it was stopped
 */
export async function* testEpoch(
  { test, validation }: TrainData,
  { epoch, epochs, batchSize }: Pick<TrainOptions, 'epochs' | 'batchSize'> & { readonly epoch: number },
  step: TestStep,
  isStopped: () => boolean,
): AsyncGenerator<TestRecord, RunningMetrics[] | undefined, undefined> {
  const splits = [test, ...(validation ? [validation] : [])];
  const total = splits.reduce((sum, { size }) => sum + batchCount(size, Math.min(batchSize, size)), 0);
  const results: RunningMetrics[] = [];
  let batch = 0;
  for (const split of splits) {
    let metrics = emptyMetrics();
    for await (metrics of testBatches(split, batchSize, step)) {
      yield { type: 'test', epoch, epochs, batch: ++batch, batches: total };
      if (isStopped()) return undefined;
    }
    results.push(metrics);
  }
  return results;
}
