// Which classes a model takes for which.
import { matrixChart } from '../charts/matrix';
import type { Figure } from '../charts/theme';
import { subset, type Split } from '../data/dataset';
import { readOptions } from '../util/options';
import { encodeJpeg } from '../engine/backend';
import { predictions, type Prediction, type ImagesOptions, imagesRules } from './predictions';
import { checkPredictions, classIndex } from './checks';
import { guessedImages } from './mistakes';

/**
 * How often images of each class were taken for each class.
 * @param probabilities [N, classes], as `predict` gives them
 * @param labels [N]
 * @returns [class][guess]: counts
 */
export function countConfusions(probabilities: Float32Array, labels: Uint8Array): number[][] {
  const classes = probabilities.length / labels.length;
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { label, guess } of predictions(probabilities, labels)) counts[label][guess]++;
  return counts;
}

/** One class taken for another. */
export interface Confusion {
  /** What the images are. */
  readonly actual: string;
  /** What the model says. */
  readonly guessed: string;
  /** How many images. */
  readonly count: number;
  /** Of all images of the class, 0 to 1. */
  readonly share: number;
}

/**
 * Which classes are taken for which, the most frequent first: all cells of the confusion matrix off its diagonal that are not
 * empty, as rows of a table.
 * @param probabilities [N, classes], as `predict` gives them for the split
 * @throws RangeError when probabilities, labels and class names do not fit each other
 */
export function confusions(
  probabilities: Float32Array,
  split: Pick<Split, 'labels'>,
  classNames: readonly string[],
): Confusion[] {
  checkPredictions('confusions', probabilities, split, classNames);
  return countConfusions(probabilities, split.labels)
    .flatMap((row, label) => {
      const sum = row.reduce((a, b) => a + b, 0);
      const [actual, cells] = [classNames[label], row.map((count, guess) => ({ count, guess }))];
      return cells
        .filter(({ count, guess }) => count > 0 && guess !== label)
        .map(({ count, guess }) => ({ actual, guessed: classNames[guess], count, share: count / sum }));
    })
    .sort((a, b) => b.count - a.count);
}

/**
 * The confusion matrix as a figure: a row for each class, a column for each class that the model may say, and in each cell
 * how many images. The pointer over a cell names its share of the row and the numbers of the images of which the model was
 * most sure; JupyterLab shows these, too. `confusedImages` shows more of them.
 * @param probabilities [N, classes], as `predict` gives them for the split
 * @throws RangeError when probabilities, labels and class names do not fit each other
 */
export function confusionMatrix(probabilities: Float32Array, split: Split, classNames: readonly string[]): Figure {
  checkPredictions('confusionMatrix', probabilities, split, classNames);
  const cells = classNames.map(() => classNames.map((): Prediction[] => []));
  for (const guess of predictions(probabilities, split.labels).sort(surestFirst))
    cells[guess.label][guess.guess].push(guess);
  const counts = cells.map((row) => row.map(({ length }) => length));
  const hovers = cells.map((row, label) => {
    const sum = row.reduce((sum, { length }) => sum + length, 0);
    return row.map((cell, guess) => hoverText(cell, sum, classNames[label], classNames[guess]));
  });
  const options = { xTitle: 'what the model says', yTitle: 'what it is', hovers, pictures: exampleSheet(cells, split) };
  return matrixChart(classNames, counts, { ...options, names: ['right', 'wrong'] });
}

/**
 * The images of one cell of the confusion matrix, those first of which the model was most sure.
 * @param probabilities [N, classes], as `predict` gives them for the split
 * @param actual, guessed names of classes: images that are `actual` and were called `guessed`
 * @throws RangeError for an unknown class or an impossible option, when there is no such image, or when probabilities, labels
 *   and class names do not fit each other
 */
export function confusedImages(
  probabilities: Float32Array,
  split: Split,
  classNames: readonly string[],
  actual: string,
  guessed: string,
  options: Partial<ImagesOptions> = {},
): Figure {
  const { count } = readOptions('confusedImages', imagesRules, options);
  checkPredictions('confusedImages', probabilities, split, classNames);
  const label = classIndex('confusedImages', actual, classNames);
  const guess = classIndex('confusedImages', guessed, classNames);
  const cell = predictions(probabilities, split.labels)
    .filter((image) => image.label === label && image.guess === guess)
    .sort(surestFirst)
    .slice(0, count);
  if (cell.length === 0) {
    throw new RangeError(`confusedImages: no ${actual} was called ${guessed}; the confusion matrix shows which were.`);
  }
  return guessedImages(cell, probabilities, split, classNames);
}

const EXAMPLES = 4;
const SHEET_COLUMNS = 20;
const SIDE = 32; // px

function hoverText(cell: readonly Prediction[], sum: number, actual: string, guessed: string): string {
  const share = sum > 0 ? ((100 * cell.length) / sum).toFixed(1) : '0.0';
  const [count, all] = [cell.length, sum].map((value) => value.toLocaleString('en'));
  const first = `${count} of ${all} images of class <b>${actual}</b> (${share} %)<br>are called <b>${guessed}</b>`;
  const examples = cell.slice(0, EXAMPLES);
  if (examples.length === 0) return first;
  return `${first}<br>such as the images ${examples.map(({ index }) => index).join(', ')}`;
}

/** The examples of all cells as one picture, and for each cell the places of its own in it. */
function exampleSheet(cells: readonly (readonly (readonly Prediction[])[])[], split: Split) {
  const shown: number[] = [];
  const places = cells.map((row) =>
    row.map((cell) => cell.slice(0, EXAMPLES).map(({ index }) => shown.push(index) - 1)),
  );
  const { images, size } = subset(split, shown);
  const rows = Math.ceil(size / SHEET_COLUMNS);
  const width = SHEET_COLUMNS * SIDE;
  const pixels = new Uint8Array(rows * SIDE * width * 3);
  for (let i = 0; i < size * SIDE; i++) {
    const [image, y] = [Math.floor(i / SIDE), i % SIDE];
    const line = images.subarray(i * SIDE * 3, (i + 1) * SIDE * 3);
    const [left, top] = [(image % SHEET_COLUMNS) * SIDE, Math.floor(image / SHEET_COLUMNS) * SIDE + y];
    pixels.set(line, (top * width + left) * 3);
  }
  const file = Buffer.from(encodeJpeg(pixels, rows * SIDE, width));
  const source = `data:image/jpeg;base64,${file.toString('base64')}`;
  return { sheet: { source, columns: SHEET_COLUMNS, side: SIDE, scale: 2 }, cells: places };
}

const surestFirst = (a: Prediction, b: Prediction): number => b.probability - a.probability;
