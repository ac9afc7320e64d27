import { type Images, imageGrid, dataUri } from './images';
import { axis, colors, type Figure, layout, note, palette, verticalLine } from './theme';
import { count, percent, readable } from '../util/format';

export interface BarSeries {
  readonly name: string;
  /** One number for each category. */
  readonly values: ArrayLike<number>;
  readonly color?: string;
}

export interface BarOptions {
  xTitle?: string;
  yTitle?: string;
  title?: string;
}

/**
 * Bars: a group for each category, with a bar for each series, its value written on it.
 * @throws RangeError when a series has not one value for each category
 */
export function barChart(
  categories: readonly string[],
  series: readonly BarSeries[],
  { xTitle = '', yTitle = '', title }: BarOptions = {},
): Figure {
  const data = series.map(({ name, values, color = '' }, index) => {
    if (values.length !== categories.length) {
      throw new RangeError(`the series “${name}” has ${values.length} values for ${categories.length} categories`);
    }
    return {
      type: 'bar',
      name,
      x: categories,
      y: Array.from(values),
      marker: { color: color || palette[index % palette.length] },
      text: Array.from(values, (value) => readable(value)),
      textposition: 'outside',
      textangle: 0,
      textfont: { size: 12 },
      cliponaxis: false,
      hovertemplate: `%{x}: %{text}<extra>${name}</extra>`,
    };
  });
  const axes = { xaxis: axis(xTitle, { type: 'category' }), yaxis: axis(yTitle) };
  const own = { barmode: 'group', hovermode: 'closest', showlegend: series.length > 1 };
  return { data, layout: layout({ title, ...own, ...axes }) };
}

interface PercentBar {
  readonly name: string;
  /** 0 to 1. */
  readonly value: number;
  readonly hover: string;
  readonly color?: string;
}

/** Horizontal bars from 0 to 100 %, the first on top. */
function percentBars(bars: readonly PercentBar[], xTitle: string, own: Record<string, unknown>): Figure {
  return {
    data: [
      {
        type: 'bar',
        orientation: 'h',
        name: xTitle,
        y: bars.map(({ name }) => name),
        x: bars.map(({ value }) => 100 * value),
        marker: { color: bars.map(({ color }) => color ?? colors.train) },
        text: bars.map(({ value }) => percent(value)),
        customdata: bars.map(({ hover }) => hover),
        textposition: 'auto', // in the bar, if it is long enough, at its start: no line runs through it there
        insidetextanchor: 'start',
        textfont: { size: 14 },
        cliponaxis: false,
        hovertemplate: '%{customdata}<extra></extra>',
      },
    ],
    layout: layout({
      height: Math.max(400, 130 + 22 * bars.length),
      margin: { l: 110, r: 70, t: 50, b: 60 },
      showlegend: false,
      hovermode: 'closest',
      bargap: 0.25,
      xaxis: axis(xTitle, { range: [0, 100] }),
      yaxis: axis('', { type: 'category', autorange: 'reversed', showgrid: false }),
      ...own,
    }),
  };
}

/** What is known of one class: how many images it has, and how many of them are named correctly. */
export interface ClassResult {
  readonly name: string;
  readonly count: number;
  readonly correct: number;
}

/**
 * For each class the share of its images that are named correctly, the highest first, and that of all images as a line. A
 * class without images is left out.
 * @param result of `interpret`
 */
export function classAccuracy({ perClass }: { readonly perClass: readonly ClassResult[] }): Figure {
  const bars = perClass
    .filter((each) => each.count > 0)
    .map(({ name, ...each }) => ({
      name,
      value: each.correct / each.count,
      hover: `<b>${name}</b>: ${count(each.correct)} of ${count(each.count)} images named correctly`,
    }))
    .sort((a, b) => b.value - a.value);
  const [correct, all] = (['correct', 'count'] as const).map((key) =>
    perClass.reduce((sum, each) => sum + each[key], 0),
  );
  const overall = (100 * correct) / all;
  return percentBars(bars, 'images of the class that are named correctly (%)', {
    shapes: [verticalLine(overall, { color: colors.neutral, dash: 'dash', width: 2 })],
    annotations: [note(`all classes: ${overall.toFixed(1)} %`, overall, 1, { yref: 'paper', yanchor: 'bottom' })],
  });
}

/** What a model says of one image. */
export interface ClassProbabilities {
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
  /** The image, shown beside the bars. */
  readonly image?: Images;
  /** Shown above, with the most probable class. */
  readonly title?: string;
}

const MAX_BARS = 12;

/**
 * The probability of each class (of many, the twelve highest), the highest on top, beside the image.
 * @param prediction what `predictImage` returns, or `{ classes: result.probabilitiesOf(index) }`
 */
export function probabilityBars({ classes, image, title }: ClassProbabilities): Figure {
  const bars = [...classes]
    .sort((a, b) => b.probability - a.probability)
    .slice(0, MAX_BARS)
    .map(({ name, probability }, rank) => ({
      name,
      value: probability,
      hover: `<b>${name}</b>: ${(100 * probability).toFixed(2)} %`,
      color: rank === 0 ? colors.test : colors.train,
    }));
  const said = `${bars[0].name}, ${percent(bars[0].value)}`;
  const xaxis = axis('probability (%)', { range: [0, 100], ...(image && { domain: [0.46, 1] }) });
  return percentBars(bars, 'probability (%)', {
    title: title === undefined ? said : `${title}: ${said}`,
    ...(image && { xaxis, margin: { l: 20, r: 70, t: 50, b: 60 }, images: [pictureAtLeft(image)] }),
  });
}

const pictureAtLeft = (image: Images) => ({
  source: dataUri(imageGrid(image, { count: 1, scale: Math.max(1, Math.round(320 / image.imageShape[0])) })),
  xref: 'paper',
  yref: 'paper',
  xanchor: 'left',
  yanchor: 'top',
  ...{ x: 0, y: 1, sizex: 0.34, sizey: 1 },
});
