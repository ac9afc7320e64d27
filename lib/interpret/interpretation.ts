// What a trained model says of labeled images, and how right it is.
import type * as tf from '@tensorflow/tfjs-node';
import type { ReliabilityBin } from '../charts/reliability';
import type { Split } from '../data/dataset';
import { checkInteger } from '../util/options';
import { predict, type PredictOptions } from '../training/evaluate';
import { checkClasses, checkImage, checkProbabilities, classIndex } from './checks';

/** What a model said of an image, and what is right: indices of class names. */
export interface Prediction {
  /** Which image of the split. */
  readonly index: number;
  /** The class of the highest probability; of several equal ones the first. */
  readonly predicted: number;
  readonly label: number;
  /** The probability of the predicted class, in [0, 1]. */
  readonly confidence: number;
}

/** A prediction and its cross entropy, −log p of the true label. */
export interface PredictionLoss extends Prediction {
  readonly loss: number;
}

/** One class taken for another. */
export interface Confusion {
  /** What the images are. */
  readonly actual: string;
  /** What the model says. */
  readonly predicted: string;
  /** How many images. */
  readonly count: number;
  /** Of all images of the class, in [0, 1]. */
  readonly share: number;
}

export interface Interpretation {
  readonly split: Split;
  /** [N, classes], row after row. */
  readonly probabilities: Float32Array;
  /** One for each image, in the order of the split. */
  readonly predictions: readonly Prediction[];
  /** Share of the images that are named correctly, in [0, 1]. */
  readonly accuracy: number;
  /** Counts: a row for each label, a column for each predicted class. */
  readonly confusion: readonly (readonly number[])[];
  /** One for each class; the accuracy of a class without images is NaN. */
  readonly perClass: readonly { name: string; count: number; correct: number; accuracy: number }[];
  /** The probabilities of image `index`, a view. */
  row(index: number): Float32Array;
  /** The same with the names of the classes, the most probable first. */
  probabilitiesOf(index: number): { name: string; probability: number }[];
  /** The images with the largest loss, −log p of the true label, as fastai's `top_losses`. Default: 16. */
  topLosses(count?: number): PredictionLoss[];
  /** The images with the lowest confidence, named correctly or not. Default: 16. */
  leastConfident(count?: number): Prediction[];
  /** The most frequent mistakes: the cells of `confusion` off its diagonal that are not 0. Default: all. */
  mostConfused(count?: number): Confusion[];
  /** The images of class `actual` that the model calls `predicted`, the most confident first. Default: 16. */
  confused(actual: string, predicted: string, count?: number): Prediction[];
  /**
   * Predictions in `bins` bins of equal width by confidence (default: 15), one on an edge in the bin below; and the expected
   * calibration error, |accuracy − confidence| averaged over the bins by their counts: 0 is best, 1 worst. Guo et al. 2017,
   * arXiv 1706.04599.
   */
  calibration(bins?: number): { bins: ReliabilityBin[]; expectedError: number };
}

/**
 * Classifies all images of a split, and compares with their labels. The methods of the result throw a RangeError for an
 * impossible count and for an image or class that does not exist.
 *
 *     const result = await interpret(model, data.test);
 *     show(confusionMatrix(result));
 *     show(predictionGrid(result, result.topLosses(16)));
 *
 * @throws RangeError when model and split do not fit each other, for an impossible option, and for a model whose training has
 *   diverged
 */
export async function interpret(
  model: tf.LayersModel,
  split: Split,
  options: Partial<PredictOptions> = {},
): Promise<Interpretation> {
  checkClasses('interpret', model, split.classNames);
  return interpretProbabilities(await predict(model, split, options), split);
}

/**
 * The same from probabilities that were computed elsewhere, such as those of a network written by hand.
 * @param probabilities [N, classes], for the images of the split, in their order
 * @throws RangeError when there are not as many, or some are NaN or not in [0, 1]
 */
export function interpretProbabilities(probabilities: Float32Array, split: Split): Interpretation {
  const { classNames, labels, size } = split;
  checkProbabilities(probabilities, split);
  const row = (index: number) => {
    checkImage('interpret', split, index);
    return probabilities.subarray(index * classNames.length, (index + 1) * classNames.length);
  };
  const predictions = Array.from(labels, (label, index) => {
    const confidence = row(index).reduce((a, b) => Math.max(a, b), 0);
    return { index, predicted: row(index).indexOf(confidence), label, confidence };
  });
  const confusion = classNames.map(() => new Array<number>(classNames.length).fill(0));
  for (const { label, predicted } of predictions) confusion[label][predicted]++;
  const perClass = classNames.map((name, label) => {
    const [count, correct] = [confusion[label].reduce((a, b) => a + b, 0), confusion[label][label]];
    return { name, count, correct, accuracy: correct / count };
  });
  return {
    split,
    probabilities,
    predictions,
    accuracy: perClass.reduce((sum, { correct }) => sum + correct, 0) / size,
    confusion,
    perClass,
    row,
    probabilitiesOf: (index) =>
      Array.from(row(index), (probability, i) => ({ name: classNames[i], probability })).sort(
        (a, b) => b.probability - a.probability,
      ),
    topLosses: (count = 16) =>
      predictions
        .map((each) => ({ ...each, loss: -Math.log(row(each.index)[each.label]) }))
        .sort((a, b) => (a.loss === b.loss ? 0 : b.loss - a.loss)) // both may be infinite
        .slice(0, checkInteger('topLosses: count', count, 1)),
    leastConfident: (count = 16) =>
      [...predictions]
        .sort((a, b) => a.confidence - b.confidence)
        .slice(0, checkInteger('leastConfident: count', count, 1)),
    mostConfused: (count = classNames.length ** 2) =>
      confusion
        .flatMap((counts, label) =>
          counts.map((count, i) => ({
            ...{ actual: classNames[label], predicted: classNames[i], count },
            share: count / perClass[label].count,
          })),
        )
        .filter(({ actual, predicted, count }) => count > 0 && actual !== predicted)
        .sort((a, b) => b.count - a.count)
        .slice(0, checkInteger('mostConfused: count', count, 1)),
    confused(actual, predicted, count = 16) {
      const [label, said] = [actual, predicted].map((name) => classIndex('confused', name, classNames));
      return predictions
        .filter((each) => each.label === label && each.predicted === said)
        .sort((a, b) => b.confidence - a.confidence)
        .slice(0, checkInteger('confused: count', count, 1));
    },
    calibration: (bins = 15) => calibrate(predictions, checkInteger('calibration: bins', bins, 1)),
  };
}

function calibrate(predictions: readonly Prediction[], binCount: number) {
  const sums = Array.from({ length: binCount }, () => ({ count: 0, confidence: 0, correct: 0 }));
  // The edge 0.1 is what float32 makes of it, 0.10000000149: a confidence of 0.1 is in the bin below.
  const edges = sums.map((_, bin) => Math.fround((bin + 1) / binCount));
  for (const { predicted, label, confidence } of predictions) {
    const bin = edges.findIndex((edge) => confidence <= edge);
    const sum = sums[bin < 0 ? binCount - 1 : bin];
    sum.count++;
    sum.confidence += confidence;
    sum.correct += Number(predicted === label);
  }
  const bins = sums.map(({ count, confidence, correct }, bin) => {
    const edges = { from: bin / binCount, to: (bin + 1) / binCount };
    return { ...edges, count, confidence: confidence / (count || 1), accuracy: correct / (count || 1) };
  });
  const errors = bins.map(({ count, confidence, accuracy }) => count * Math.abs(accuracy - confidence));
  return { bins, expectedError: errors.reduce((a, b) => a + b, 0) / predictions.length };
}
