// What a model said of images: the images themselves, and the confusion matrix.
import { captionedImages, dataUri, type Images, imageGrid } from './images';
import { axis, colors, emptyFigure, type Figure, layout } from './theme';
import { count, percent } from '../util/format';

/** One image of a split, and the class that the model gave it. */
export interface PredictedImage {
  readonly index: number;
  readonly predicted: number;
  readonly label: number;
  /** Probability of the predicted class, 0 to 1. */
  readonly confidence: number;
}

/** What these charts read of `interpret`'s result. */
export interface Predicted {
  readonly split: Images & { readonly classNames: readonly string[] };
  /** [N, classes] */
  readonly probabilities: Float32Array;
  readonly predictions: readonly PredictedImage[];
}

/**
 * Images with what the model said of each and how confident it was, right (✓) or wrong (✗); the pointer over one tells its
 * index and its three most probable classes.
 * @param shown some of the predictions, such as `result.topLosses(16)`
 */
export function predictionGrid(
  { split, probabilities }: Predicted,
  shown: readonly PredictedImage[],
  options: { readonly columns?: number; readonly scale?: number } = {},
): Figure {
  if (shown.length === 0) return emptyFigure('no such images');
  const { classNames } = split;
  const captions = shown.map(({ predicted, label, confidence }) => {
    const said = `${classNames[predicted]}<br>${percent(confidence)}`;
    return predicted === label ? `✓ ${said}` : `✗ ${said}<br>is ${classNames[label]}`;
  });
  const hovers = shown.map(({ index, label }) => {
    const row = probabilities.subarray(index * classNames.length, (index + 1) * classNames.length);
    const best = [...row.keys()].sort((a, b) => row[b] - row[a]).slice(0, 3);
    const lines = best.map((index) => `${classNames[index]} ${percent(row[index])}`);
    return [`<b>image ${index}, ${classNames[label]}</b>`, ...lines].join('<br>');
  });
  return captionedImages(subset(split, shown), captions, { ...options, hovers });
}

/** The images of some predictions, in a row. */
function subset({ images, imageShape }: Images, shown: readonly PredictedImage[]): Images {
  const bytes = imageShape.reduce((a, b) => a * b, 1);
  const chosen = new Uint8Array(shown.length * bytes);
  shown.forEach(({ index }, i) => chosen.set(images.subarray(index * bytes, (index + 1) * bytes), i * bytes));
  return { images: chosen, imageShape };
}

/**
 * The confusion matrix: a row for each class, a column for each class that the model may say, in each cell how many images.
 * The diagonal is blue, everything else orange, the stronger the larger its share of its row; each on its own scale, so that
 * rare mistakes are seen beside frequent right answers. The pointer over a cell tells its share of the row and the indices of
 * the most confident images; JupyterLab shows these, too.
 * @param result of `interpret`
 */
export function confusionMatrix({ split, predictions }: Predicted): Figure {
  const { classNames } = split;
  const cells = classNames.map(() => classNames.map((): PredictedImage[] => []));
  for (const each of [...predictions].sort((a, b) => b.confidence - a.confidence)) {
    cells[each.label][each.predicted].push(each);
  }
  const sums = cells.map((row) => row.reduce((sum, { length }) => sum + length, 0));
  const hovers = cells.map((row, label) =>
    row.map((cell, predicted) => hoverText(cell, sums[label], classNames[label], classNames[predicted])),
  );
  const examples = exampleSheet(split, cells);
  const part = (name: string, color: string, isShown: (label: number, predicted: number) => boolean) => {
    const share = (cell: readonly unknown[], sum: number) => Number(((100 * cell.length) / (sum || 1)).toFixed(2));
    const z = cells.map((row, i) => row.map((cell, j) => (isShown(i, j) ? share(cell, sums[i]) : null)));
    return {
      type: 'heatmap',
      name,
      x: classNames,
      y: classNames,
      z,
      zmin: 0,
      zmax: z.flat().reduce((most: number, value) => Math.max(most, value ?? 0), 1),
      // The theme's background shows through: text in the theme's color is legible on every cell, in light and in dark.
      colorscale: [
        [0, `${color}00`],
        [1, `${color}bf`],
      ],
      showscale: false,
      xgap: 2,
      ygap: 2,
      text: hovers,
      customdata: examples.places,
      hoverongaps: false,
      hovertemplate: '%{text}<extra></extra>',
    };
  };
  const filled = cells.flatMap((row, i) =>
    row.map(({ length }, j) => ({ length, x: classNames[j], y: classNames[i] })),
  );
  const numbers = filled.filter(({ length }) => length > 0);
  const cell = Math.max(20, Math.min(42, 900 / classNames.length)); // px
  return {
    data: [
      part('right', colors.train, (label, predicted) => label === predicted),
      part('wrong', colors.test, (label, predicted) => label !== predicted),
      {
        type: 'scatter',
        mode: 'text',
        name: 'counts',
        x: numbers.map(({ x }) => x),
        y: numbers.map(({ y }) => y),
        text: numbers.map(({ length }) => count(length)),
        textfont: { size: cell / 3 },
        hoverinfo: 'skip',
      },
    ],
    layout: layout({
      height: 140 + cell * classNames.length,
      margin: { l: 110, r: 20, t: 40, b: 80 }, // Plotly's bar of buttons is above the first row
      showlegend: false,
      hovermode: 'closest',
      meta: { hoverPictures: examples.sheet },
      xaxis: axis('what the model says', {
        type: 'category',
        showgrid: false,
        tickangle: classNames.length > 12 ? -90 : 0,
        tickfont: { size: Math.min(13, cell / 2.5) },
        dtick: 1,
      }),
      yaxis: axis('what it is', {
        type: 'category',
        showgrid: false,
        autorange: 'reversed',
        tickfont: { size: Math.min(15, cell / 2.5) },
        dtick: 1,
      }),
    }),
  };
}

const EXAMPLES = 4; // of a cell
const SHEET_BYTES = 1.2e6; // of pixels
const SHEET_COLUMNS = 20;
const SHOWN_WIDTH = 64; // px

function hoverText(cell: readonly PredictedImage[], sum: number, actual: string, predicted: string): string {
  const share = ((100 * cell.length) / (sum || 1)).toFixed(1);
  const first = `${count(cell.length)} of ${count(sum)} images of class <b>${actual}</b> (${share} %)<br>are called <b>${predicted}</b>`;
  const examples = cell.slice(0, EXAMPLES).map(({ index }) => index);
  return examples.length === 0 ? first : `${first}<br>such as the images ${examples.join(', ')}`;
}

/** Small pictures of one size in one file: a figure's `layout.meta.hoverPictures`. */
interface HoverPictures {
  /** A data URI. */
  readonly source: string;
  /** Pictures in a row. */
  readonly columns: number;
  /** Of a picture, px of the file. */
  readonly width: number;
  readonly height: number;
  /** Factor by which they are enlarged. */
  readonly scale: number;
}

/**
 * Examples of all cells as one picture, and for each cell the places of its own in it. Plotly shows only text at the pointer;
 * the chart extension of JupyterLab adds the pictures at the places that a cell has as `customdata`. Where not all fit, the
 * first one of each cell comes before second ones, and full cells before others.
 */
function exampleSheet(split: Images, cells: readonly (readonly (readonly PredictedImage[])[])[]) {
  const [height, width, channels] = split.imageShape;
  const places = cells.map((row) => row.map((): number[] => []));
  const order = cells.flatMap((row, i) => row.map((cell, j) => ({ cell, places: places[i][j] })));
  order.sort((a, b) => b.cell.length - a.cell.length);
  const shown: PredictedImage[] = [];
  for (let example = 0; example < EXAMPLES; example++) {
    for (const { cell, places } of order) {
      if (example >= cell.length || (shown.length + 1) * height * width * channels > SHEET_BYTES) continue;
      places.push(shown.push(cell[example]) - 1);
    }
  }
  const columns = Math.min(SHEET_COLUMNS, shown.length);
  const source = dataUri(imageGrid(subset(split, shown), { columns, scale: 1, gap: 0 }));
  const sheet: HoverPictures = { source, columns, width, height, scale: SHOWN_WIDTH / width };
  return { places, sheet };
}
