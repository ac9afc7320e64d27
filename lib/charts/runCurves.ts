import type { CurvePoint } from './curves';
import { decimateEpochs } from './decimate';
import { epochAxes, type Metric, metrics } from './panels';
import { axisName, colors, Figure, layout } from './theme';

/**
 * Colours for runs: eight that the red-green blind can tell apart (a test simulates it), legible on white and on black. Last
 * are those that mean training and test in other charts.
 */
export const runColors: readonly string[] = [
  '#009e73',
  '#85397a',
  '#e0b000',
  '#5555aa',
  '#56b4e9',
  '#b3202a',
  colors.test,
  colors.train,
];

/** A second way to tell runs apart. One more than the colours, so that runs of one colour differ in it. */
const symbols = ['circle', 'diamond', 'square', 'triangle-up', 'cross', 'star', 'triangle-down', 'pentagon', 'x'];

export interface RunCurve {
  readonly name: string;
  readonly points: readonly CurvePoint[];
  /** Decides colour and marker, from 0; each number to 71 looks different. */
  readonly look: number;
}

const MAX_POINTS = 300;
/** Markers on a curve, about: more would hide it. */
const MARKERS = 8;

/** A run that is shorter than this share of the longest one would be a knot at the left: then the epochs stand on a log scale. */
const SHORT = 0.25;

/**
 * The learning curves of several runs: accuracy in one panel, loss in the other; test solid, training dotted. A click on a
 * name hides its run. The first run is drawn over the others. Where some are much shorter than others, the axis of epochs is logarithmic.
 */
export function runCurves(runs: readonly RunCurve[], { title }: { title?: string } = {}): Figure {
  const lengths = runs.flatMap(({ points }) => points.at(-1)?.epoch ?? []);
  const epochs = Math.max(1, ...lengths);
  const scale = Math.min(...lengths) < SHORT * epochs ? 'log' : 'linear';
  const data = metrics.flatMap((metric, panel) => [
    // The first is drawn last, over the others.
    ...runs
      .map((run, place) => [curve(run, place, 'train', metric, panel), curve(run, place, 'test', metric, panel)])
      .reverse()
      .flat(),
  ]);
  return {
    data: [...data, ...key],
    layout: layout({ title, names: [...key, ...runs].map(({ name }) => name), ...epochAxes(epochs, { scale }) }),
  };
}

/** Order in the legend: first what solid and dotted mean, then the runs as they were given. */
const AFTER_KEY = 1000;

/** What solid and dotted mean, for the legend. */
const key = (['solid', 'dot'] as const).map((dash) => ({
  type: 'scatter',
  mode: 'lines',
  name: dash === 'solid' ? 'test' : 'training',
  x: [null],
  y: [null],
  line: { color: colors.neutral, width: dash === 'solid' ? 3 : 2, dash },
  legendrank: AFTER_KEY - 1,
  hoverinfo: 'skip',
}));

function curve(
  { name, points, look }: RunCurve,
  place: number,
  role: 'train' | 'test',
  metric: Metric,
  panel: number,
): object {
  const rows = decimateEpochs(
    points.map((point) => ({ x: point.epoch, y: point[role][metric.key] * metric.scale })),
    MAX_POINTS,
  );
  const isTest = role === 'test';
  const symbol = symbols[look % symbols.length];
  // Training has none, but a line of one point can't be seen.
  const marker = isTest
    ? { symbol, size: 9, maxdisplayed: MARKERS }
    : rows.length === 1 && { symbol: `${symbol}-open`, size: 9 };
  return {
    type: 'scatter',
    mode: marker ? 'lines+markers' : 'lines',
    name,
    legendgroup: name,
    showlegend: panel === 0 && isTest,
    legendrank: AFTER_KEY + place,
    x: rows.map(({ x }) => x),
    y: rows.map(({ y }) => y),
    xaxis: axisName('x', panel),
    yaxis: axisName('y', panel),
    line: { color: runColors[look % runColors.length], width: isTest ? 3 : 2, dash: isTest ? 'solid' : 'dot' },
    ...(marker && { marker }),
    cliponaxis: false,
    hovertemplate: `${metric.hover}<extra>${name}, ${isTest ? 'test' : 'training'}</extra>`,
  };
}
