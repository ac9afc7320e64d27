import { setImmediate as nextTurn } from 'node:timers/promises'; // lets other work in, such as messages
import * as tf from '@tensorflow/tfjs-node';
import { type Batch, batches } from '../data/batches';
import { checkSplit, type ImageArray, type Split } from '../data/dataset';
import { oneOf, readOptions, type Rules, inspectValue, wholeNumber } from '../util/options';
import { uint8Tensor } from '../engine/ops/ops';
import { compile } from '../engine/compile';
import { type Precision, warnOfEmulation } from '../engine/precision';
import { normalize } from '../data/augment';
import { checkMemory } from '../models/memory';
import type { Metrics } from './records';
import { type BatchScore, makeTestStep } from './steps';
import { updateMetrics, emptyMetrics, computeMetrics, type RunningMetrics } from './tally';

export interface EvaluateOptions {
  /** Images at a time. Default: 256. */
  readonly batchSize: number;
  /** Number format of the matrix work. Default: 'auto'. */
  readonly precision: Precision;
}

const rules: Rules<EvaluateOptions> = {
  batchSize: wholeNumber(256, 1),
  precision: oneOf<Precision>('auto', ['auto', 'float32', 'bfloat16']),
};

/**
 * The model's loss (mean over the batches) and accuracy on a split; dropout is off.
 * @throws RangeError for an unknown or impossible option, labels that the model has no class for, or a batch that needs more
 *   memory than there is
 */
export async function evaluate(
  model: tf.LayersModel,
  split: Split,
  options: Partial<EvaluateOptions> = {},
): Promise<Metrics> {
  const { batchSize, precision } = readOptions('evaluate', rules, options);
  checkImages('evaluate: the images', model, split);
  warnOfEmulation('evaluate', precision);
  checkMemory('evaluate', 'testing', model, fit(batchSize, split.size));
  const program = compile({ test: makeTestStep(model) }, { precision });
  try {
    let tally = emptyMetrics();
    for await (tally of tallies(split, batchSize, program.test));
    return computeMetrics(tally);
  } finally {
    program.dispose();
  }
}

/**
 * The model's probabilities for each class of each image; dropout is off.
 * @returns [N, classes], row after row
 * @throws RangeError for an unknown or impossible option, or a batch that needs more memory than there is
 */
export async function predict(
  model: tf.LayersModel,
  images: ImageArray,
  options: Partial<EvaluateOptions> = {},
): Promise<Float32Array> {
  const { batchSize, precision } = readOptions('predict', rules, options);
  checkSplit('predict: the images', images);
  checkShape('predict: the images', model, images);
  warnOfEmulation('predict', precision);
  checkMemory('predict', 'testing', model, fit(batchSize, images.size));
  const classifier = openClassifier(model, precision);
  try {
    return await classifier.classify(images, batchSize);
  } finally {
    classifier.dispose();
  }
}

/** A model made ready to classify, once or again and again while it learns. */
export interface Classifier {
  /** Probabilities, [N, classes], row after row. */
  classify(images: ImageArray, batchSize: number): Promise<Float32Array>;
  dispose(): void;
}

export function openClassifier(model: tf.LayersModel, precision: Precision): Classifier {
  const classes = classCount(model);
  const classify = (batch: tf.Tensor) => ({
    probabilities: tf.softmax(model.apply(normalize(batch)) as tf.Tensor2D),
  });
  const program = compile({ classify }, { precision });
  return {
    async classify(images, batchSize) {
      const { size } = images;
      const probabilities = new Float32Array(size * classes);
      const split = { ...images, labels: new Uint8Array(0), classNames: [] };
      let done = 0;
      for (const batch of batches(split, { batchSize: fit(batchSize, size) })) {
        const input = imageTensor(batch);
        try {
          const output = program.classify(input).probabilities;
          probabilities.set(output.dataSync(), done * classes);
          output.dispose();
        } finally {
          input.dispose();
        }
        done += batch.size;
        await nextTurn();
      }
      return probabilities;
    },
    dispose: () => program.dispose(),
  };
}

/** Runs a test step over a whole split; yields what it has come to after each batch. */
export async function* tallies(
  split: Split,
  batchSize: number,
  test: (images: tf.Tensor, labels: tf.Tensor) => BatchScore,
): AsyncGenerator<RunningMetrics, void, undefined> {
  let tally = emptyMetrics();
  for (const batch of batches(split, { batchSize: fit(batchSize, split.size) })) {
    const started = performance.now();
    const score = readScore(batch, test);
    tally = updateMetrics(tally, { ...score, size: batch.size, seconds: (performance.now() - started) / 1000 });
    await nextTurn();
    yield tally;
  }
}

/** Runs a step on a batch and reads its numbers; frees what it made. */
export function readScore(
  batch: Batch,
  step: (images: tf.Tensor, labels: tf.Tensor) => BatchScore,
): { loss: number; correct: number } {
  return tf.tidy(() => {
    const score = step(imageTensor(batch), tf.tensor1d(Int32Array.from(batch.labels), 'int32'));
    return { loss: score.loss.dataSync()[0], correct: score.correct.dataSync()[0] };
  });
}

/**
 * @param what names the images in the error, such as “train: the test images”
 * @throws RangeError for a split that is not whole, or a label that the model has no class for
 */
export function checkImages(what: string, model: tf.LayersModel, split: Split): void {
  checkSplit(what, split);
  if (!(split.labels instanceof Uint8Array)) {
    throw new RangeError(
      `${what}: labels are ${inspectValue(split.labels)}; expected a Uint8Array, one for each image.`,
    );
  }
  checkShape(what, model, split);
  const classes = classCount(model);
  const wrong = split.labels.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw new RangeError(
      `${what}: label ${split.labels[wrong]} of image ${wrong}; the model tells ${classes} classes apart, 0 to ${classes - 1}.`,
    );
  }
}

/** @throws RangeError when the model takes images of another shape */
function checkShape(what: string, model: tf.LayersModel, { imageShape }: ImageArray): void {
  const expected = model.inputs[0].shape.slice(1);
  if (expected.length === 3 && expected.every((size, axis) => size === null || size === imageShape[axis])) return;
  throw new RangeError(`${what} are ${imageShape.join(' × ')}; the model takes ${expected.join(' × ')}.`);
}

const imageTensor = ({ images, size, imageShape }: ImageArray): tf.Tensor => uint8Tensor(images, [size, ...imageShape]);

const classCount = (model: tf.LayersModel): number => (model.outputShape as tf.Shape)[1] ?? 0;

/** The batch size for a split that may have fewer images. */
export const fit = (batchSize: number, size: number): number => Math.min(batchSize, size);
