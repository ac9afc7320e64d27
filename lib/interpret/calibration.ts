// Whether a model is as sure as it is right: Guo et al. 2017, “On Calibration of Modern Neural Networks”, arXiv 1706.04599.
import { reliabilityDiagram, type ReliabilityBin } from '../charts/reliability';
import type { Figure } from '../charts/theme';
import type { Split } from '../data/dataset';
import { readOptions, type Rules, wholeNumber } from '../util/options';
import { predictions } from './predictions';
import { checkPredictions } from './checks';

export interface CalibrationOptions {
  /** Number of bins of equal width. Default: 15, as in the paper. */
  readonly bins: number;
}

const rules: Rules<CalibrationOptions> = { bins: wholeNumber(15, 1) };

/** How sure a model is, beside how often it is right. */
export interface Calibration {
  readonly bins: readonly ReliabilityBin[];
  /** The distance of accuracy and confidence, averaged over the bins by their counts: 0 is perfect, 1 the worst. */
  readonly expectedError: number;
}

/**
 * Sorts the guesses into bins of equal width by their probability; one on an edge belongs to the bin below it, as in the
 * paper. (An edge is what a probability of 32 bits makes of it: 0.1 is the edge 0.1, though it is 0.10000000149.)
 * @param probabilities [N, classes], as `predict` gives them
 * @param labels [N]
 */
export function calibrationBins(probabilities: Float32Array, labels: Uint8Array, bins: number): Calibration {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, correct: 0 }));
  const edges = sums.map((_, bin) => Math.fround((bin + 1) / bins));
  for (const { guess, label, probability } of predictions(probabilities, labels)) {
    const bin = edges.findIndex((edge) => probability <= edge);
    const sum = sums[bin < 0 ? bins - 1 : bin];
    sum.count++;
    sum.confidence += probability;
    sum.correct += Number(guess === label);
  }
  const filled = sums.map(({ count, confidence, correct }, bin) => ({
    from: bin / bins,
    to: (bin + 1) / bins,
    count,
    confidence: count > 0 ? confidence / count : 0,
    accuracy: count > 0 ? correct / count : 0,
  }));
  const expectedError = filled.reduce(
    (sum, { count, confidence, accuracy }) => sum + (count / labels.length) * Math.abs(accuracy - confidence),
    0,
  );
  return { bins: filled, expectedError };
}

/**
 * The calibration curve (reliability diagram): how often guesses are right, against how sure the model is of them, and how
 * many there are; with the expected calibration error, in percentage points.
 * @param probabilities [N, classes], as `predict` gives them for the split
 * @throws RangeError when probabilities, labels and class names do not fit each other, or an option is impossible
 */
export function calibrationCurve(
  probabilities: Float32Array,
  split: Pick<Split, 'labels'>,
  classNames: readonly string[],
  options: Partial<CalibrationOptions> = {},
): Figure {
  const { bins } = readOptions('calibrationCurve', rules, options);
  checkPredictions('calibrationCurve', probabilities, split, classNames);
  const calibration = calibrationBins(probabilities, split.labels, bins);
  const error = (100 * calibration.expectedError).toFixed(1);
  return reliabilityDiagram(calibration.bins, `Expected calibration error: ${error} percentage points`);
}
