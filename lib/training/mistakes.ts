export interface Mistake {
  /** Which image. */
  readonly index: number;
  /** The class that the model gave it. */
  readonly guess: number;
  readonly label: number;
  /** The probability that the model gave its guess. */
  readonly probability: number;
}

/**
 * The images that a model is most wrong about: named wrongly, the surest first.
 * @param probabilities [N, classes], as `predict` gives them
 * @param labels [N]
 * @param options.count how many, at most
 * @throws RangeError when there are not as many rows of probabilities as labels
 */
export function worstMistakes(
  probabilities: Float32Array,
  labels: Uint8Array,
  { count = 16 }: { count?: number } = {},
): Mistake[] {
  const classes = probabilities.length / labels.length;
  if (!Number.isInteger(classes)) {
    throw new RangeError(
      `There are ${probabilities.length} probabilities for ${labels.length} labels; expected a row for each label: ` +
        'predict the images that the labels belong to.',
    );
  }
  return Array.from(labels, (label, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    const probability = row.reduce((a, b) => Math.max(a, b), 0);
    return { index, guess: row.indexOf(probability), label, probability };
  })
    .filter(({ guess, label }) => guess !== label)
    .sort((a, b) => b.probability - a.probability)
    .slice(0, count);
}
