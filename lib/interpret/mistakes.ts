// Images with what a model said of them.
import { captionedImages } from '../charts/captionedImages';
import { emptyFigure } from '../charts/note';
import { type Figure, percent } from '../charts/theme';
import { subset, type Split } from '../data/dataset';
import { readOptions } from '../util/options';
import { type Prediction, type ImagesOptions, imagesRules, leastConfident, topLosses } from './predictions';
import { checkPredictions } from './checks';

/**
 * The images that a model is most wrong about: named wrongly, the surest first; under each what the model says, how
 * probable it finds that, and what is right. Where there are no mistakes, it says so.
 * @param probabilities [N, classes], as `predict` gives them for the split
 * @throws RangeError when probabilities, labels and class names do not fit each other, or an option is impossible
 */
export function topLossImages(
  probabilities: Float32Array,
  split: Split,
  classNames: readonly string[],
  options: Partial<ImagesOptions> = {},
): Figure {
  const { count } = readOptions('mostWrongImages', imagesRules, options);
  checkPredictions('mostWrongImages', probabilities, split, classNames);
  const worst = topLosses(probabilities, split.labels, { count });
  if (worst.length === 0) return emptyFigure(`no mistakes among ${imageCount(split.labels.length)}`);
  return guessedImages(worst, probabilities, split, classNames);
}

const imageCount = (size: number): string => `${size.toLocaleString('en')} ${size === 1 ? 'image' : 'images'}`;

/**
 * The images that a model is least sure about, named correctly or not: those whose best class has the lowest probability.
 * @param probabilities [N, classes], as `predict` gives them for the split
 * @throws RangeError when probabilities, labels and class names do not fit each other, or an option is impossible
 */
export function leastConfidentImages(
  probabilities: Float32Array,
  split: Split,
  classNames: readonly string[],
  options: Partial<ImagesOptions> = {},
): Figure {
  const { count } = readOptions('leastSureImages', imagesRules, options);
  checkPredictions('leastSureImages', probabilities, split, classNames);
  return guessedImages(leastConfident(probabilities, split.labels, { count }), probabilities, split, classNames);
}

/** Under each image the guess and the truth; over it, at the pointer, its number and its three best classes. */
export function guessedImages(
  guesses: readonly Prediction[],
  probabilities: Float32Array,
  split: Split,
  classNames: readonly string[],
): Figure {
  const captions = guesses.map(({ guess, label, probability }) => {
    const said = `${classNames[guess]}<br>${percent(probability)}`;
    return guess === label ? `✓ ${said}` : `✗ ${said}<br>is ${classNames[label]}`;
  });
  const hovers = guesses.map(({ index, label }) => {
    const row = [...probabilities.subarray(index * classNames.length, (index + 1) * classNames.length)];
    const best = row.map((probability, i) => ({ probability, name: classNames[i] }));
    const lines = best
      .sort((a, b) => b.probability - a.probability)
      .slice(0, 3)
      .map(({ name, probability }) => `${name} ${percent(probability)}`);
    return `<b>image ${index}, ${classNames[label]}</b><br>${lines.join('<br>')}`;
  });
  const images = subset(
    split,
    guesses.map(({ index }) => index),
  );
  return captionedImages(images, captions, { hovers });
}
