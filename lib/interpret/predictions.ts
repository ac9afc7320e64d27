import { readOptions, type Rules, wholeNumber } from '../util/options';

/** What a model said of an image, and what is right. */
export interface Prediction {
  /** Which image. */
  readonly index: number;
  /** The class that the model gave it. */
  readonly guess: number;
  readonly label: number;
  /** The probability that the model gave its guess. */
  readonly probability: number;
}

export interface ImagesOptions {
  /** How many, at most. Default: 16. */
  readonly count: number;
}

export const imagesRules: Rules<ImagesOptions> = { count: wholeNumber(16, 1) };

/** What has happened to a model that gives no numbers, and what to do. */
export const DIVERGED =
  "the model's training has diverged. Train a new one with a smaller learning rate, or restore an earlier state of this one.";

const TOLERANCE = 1e-3; // for numbers of 16 bits

/**
 * For each image the class that the model gives the highest probability; of several equal ones the first.
 * @param probabilities [N, classes], as `predict` gives them
 * @param labels [N]
 * @throws RangeError when there are not as many rows of probabilities as labels, or some are no numbers or not from 0 to 1
 */
export function predictions(probabilities: Float32Array, labels: Uint8Array): Prediction[] {
  const classes = probabilities.length / labels.length;
  if (!Number.isInteger(classes)) {
    throw new RangeError(
      `There are ${probabilities.length} probabilities for ${labels.length} labels; expected a row for each label: ` +
        'predict the images that the labels belong to.',
    );
  }
  const wrong = probabilities.findIndex((probability) => !(probability >= 0 && probability <= 1 + TOLERANCE));
  if (wrong >= 0) {
    const image = Math.floor(wrong / classes);
    if (Number.isNaN(probabilities[wrong])) {
      throw new RangeError(`The probabilities of image ${image} are no numbers: ${DIVERGED}`);
    }
    throw new RangeError(
      `The probabilities of image ${image} are not from 0 to 1: one is ${Number(probabilities[wrong].toPrecision(4))}; give ` +
        'what predict returns, not logits.',
    );
  }
  return Array.from(labels, (label, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    const probability = row.reduce((a, b) => Math.max(a, b), 0);
    return { index, guess: row.indexOf(probability), label, probability };
  });
}

/**
 * The images that a model is most wrong about: named wrongly, the surest first.
 * @param probabilities [N, classes], as `predict` gives them
 * @param labels [N]
 * @throws RangeError for an impossible option; when there are not as many rows of probabilities as labels, or some are no
 *   numbers or not from 0 to 1
 */
export function topLosses(
  probabilities: Float32Array,
  labels: Uint8Array,
  options: Partial<ImagesOptions> = {},
): Prediction[] {
  const { count } = readOptions('worstMistakes', imagesRules, options);
  return predictions(probabilities, labels)
    .filter(({ guess, label }) => guess !== label)
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}

/**
 * The images that a model is least sure about, named correctly or not: those whose best class has the lowest probability.
 * @param probabilities [N, classes], as `predict` gives them
 * @param labels [N]
 * @throws RangeError for an impossible option; when there are not as many rows of probabilities as labels, or some are no
 *   numbers or not from 0 to 1
 */
export function leastConfident(
  probabilities: Float32Array,
  labels: Uint8Array,
  options: Partial<ImagesOptions> = {},
): Prediction[] {
  const { count } = readOptions('leastSure', imagesRules, options);
  return predictions(probabilities, labels)
    .sort((a, b) => a.probability - b.probability)
    .slice(0, count);
}
