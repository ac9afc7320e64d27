import { percentBars } from '../charts/shares';
import { type Figure, percent } from '../charts/theme';
import type { Split } from '../data/dataset';
import { checkPredictions } from './checks';
import { countConfusions } from './confusion';

/**
 * For each class the share of its images that are named correctly, the highest first, and that of all images as a line. A class
 * without images is left out.
 * @param probabilities [N, classes], as `predict` gives them for the split
 * @throws RangeError when probabilities, labels and class names do not fit each other
 */
export function classAccuracy(
  probabilities: Float32Array,
  split: Pick<Split, 'labels'>,
  classNames: readonly string[],
): Figure {
  checkPredictions('classAccuracy', probabilities, split, classNames);
  const classes = countConfusions(probabilities, split.labels)
    .map((row, label) => ({ name: classNames[label], correct: row[label], all: row.reduce((a, b) => a + b, 0) }))
    .filter(({ all }) => all > 0)
    .sort((a, b) => b.correct / b.all - a.correct / a.all);
  const correct = classes.reduce((sum, { correct }) => sum + correct, 0);
  const overall = correct / split.labels.length;
  const bars = classes.map(({ name, correct, all }) => ({
    name,
    value: correct / all,
    text: percent(correct / all),
    hover: `<b>${name}</b>: ${correct.toLocaleString('en')} of ${all.toLocaleString('en')} images named correctly`,
  }));
  const mark = { value: overall, name: `all classes: ${(100 * overall).toFixed(1)} %` };
  return percentBars(bars, { xTitle: 'images of the class that are named correctly (%)', mark });
}
