// Accuracy in one panel, loss in the other, over epochs: what all learning curves are drawn in.
import { axis, axisKey, axisName, panelDomain } from './theme';
import { checkInteger } from '../util/options';

export const metrics = [
  { key: 'accuracy', title: 'accuracy (%)', scale: 100, hover: '%{y:.2f} %', emptyRange: [0, 100] },
  { key: 'loss', title: 'loss (cross entropy)', scale: 1, hover: '%{y:.3f}', emptyRange: [0, 2.5] },
] as const;

export type Metric = (typeof metrics)[number];

/** A trace in one of the panels, as Plotly takes it. */
export interface Curve {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly yaxis: string;
  readonly [key: string]: unknown;
}

interface CurveOptions {
  readonly mode: 'lines' | 'lines+markers';
  readonly showlegend?: boolean;
  readonly line: object;
  readonly [key: string]: unknown;
}

/** A curve in the panel of a metric; the name is in the legend of the first panel only. */
export const curveIn = (
  panel: number,
  name: string,
  points: readonly Point[],
  { showlegend = true, ...own }: CurveOptions,
): Curve => ({
  type: 'scatter',
  name,
  legendgroup: name,
  showlegend: showlegend && panel === 0,
  x: points.map(({ x }) => x),
  y: points.map(({ y }) => y),
  xaxis: axisName('x', panel),
  yaxis: axisName('y', panel),
  cliponaxis: metrics[panel].key === 'loss', // the loss axis may cut off outliers
  ...own,
});

interface PanelOptions {
  /** The share of the height that the panels take; above it is room for labels. Default: 1. */
  readonly top?: number;
  /** Of the epochs. Default: linear. */
  readonly scale?: 'linear' | 'log';
}

/**
 * The axes of both panels, for a layout.
 * @param epochs where the axis of epochs ends
 */
export function epochAxes(
  epochs: number,
  curves: readonly Curve[],
  { top = 1, scale = 'linear' }: PanelOptions = {},
): object {
  const isEmpty = curves.every(({ x }) => x.length === 0);
  const axes = metrics.flatMap((metric, panel) => {
    const values = curves.filter(({ yaxis }) => yaxis === axisName('y', panel)).flatMap(({ y }) => y);
    const { title = metric.title, ...own } = isEmpty
      ? { range: metric.emptyRange } // where Plotly would show −1 to 4
      : metric.key === 'loss'
        ? robustAxis(metric.title, values)
        : {};
    return [
      [
        axisKey('x', panel),
        axis(scale === 'log' ? 'epoch (logarithmic)' : 'epoch', {
          domain: panelDomain(panel, metrics.length),
          anchor: axisName('y', panel),
          unifiedhovertitle: { text: 'epoch %{x:.2~f}' },
          ...(scale === 'log' ? logScale(epochs) : linearScale(epochs)),
        }),
      ],
      [axisKey('y', panel), axis(title, { anchor: axisName('x', panel), domain: [0, top], ...own })],
    ];
  });
  return Object.fromEntries(axes) as object;
}

const linearScale = (epochs: number) => ({
  range: [-0.03 * epochs, 1.03 * epochs],
  ...(epochs <= 10 && { dtick: 1 }),
});

const logScale = (epochs: number) => ({
  type: 'log',
  range: [Math.log10(0.9), Math.log10(1.1 * epochs)],
  tickvals: [1, 10, 100, 1000, 10_000].flatMap((decade) => [decade, 2 * decade, 5 * decade]),
});

const USUAL_LOSS = 10; // cross entropy: chance among 1,000 classes is 6.9

/**
 * An axis on which outliers, such as a loss of 4e29, leave the rest readable: they are cut off at the top, or, where most
 * values are huge, the axis is logarithmic. Its title says so.
 */
function robustAxis(title: string, values: readonly number[]): { title?: string; [key: string]: unknown } {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const [low, median, high] = [0, 0.5, 1].map((part) => sorted[Math.floor(part * (sorted.length - 1))]);
  if (!(high > USUAL_LOSS)) return {};
  const limit = Math.max(USUAL_LOSS, 4 * median);
  if (limit < 1e4 && high > limit) {
    const usual = sorted.filter((value) => value <= limit).at(-1) as number;
    const top = Number((1.05 * usual).toPrecision(2));
    return { title: `${title}, up to ${top}`, range: [low - 0.05 * (top - low), top] };
  }
  return high > 1e3 * low && low > 0 ? { title: `${title}, logarithmic`, type: 'log', exponentformat: 'power' } : {};
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * At most `limit` points in place of a longer series: means of neighbors, so that the noise shrinks and the trend stays.
 * Figures stay small enough to be sent several times a second.
 */
export function decimate(points: readonly Point[], limit: number): Point[] {
  checkInteger('limit', limit, 1);
  if (points.length <= limit) return [...points];
  return Array.from({ length: limit }, (_, bucket) => {
    const [from, to] = [bucket, bucket + 1].map((edge) => Math.floor((edge * points.length) / limit));
    const some = points.slice(from, to);
    const mean = (of: (point: Point) => number) => some.reduce((sum, point) => sum + of(point), 0) / some.length;
    return { x: mean(({ x }) => x), y: mean(({ y }) => y) };
  });
}

/** The same for epochs: the last one stays as it is, since it is the result of the run. */
export const decimateEpochs = (points: readonly Point[], limit: number): Point[] =>
  points.length <= limit ? [...points] : [...decimate(points.slice(0, -1), limit - 1), points[points.length - 1]];
