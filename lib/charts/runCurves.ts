import type { CurvePoint } from './curves';
import { type Curve, curveIn, decimateEpochs, epochAxes, type Metric, metrics } from './panels';
import { colors, type Figure, layout } from './theme';

/**
 * Colors for runs: eight that the red-green blind can tell apart (a test simulates it), legible on white and on black. Last
 * are those that mean training and test in other charts.
 */
export const runColors: readonly string[] = [
  ...['#009e73', '#85397a', '#e0b000', '#5555aa', '#56b4e9', '#b3202a'],
  ...[colors.test, colors.train],
];

/** A second way to tell runs apart. One more than the colors, so that runs of one color differ in it. */
const symbols = ['circle', 'diamond', 'square', 'triangle-up', 'cross', 'star', 'triangle-down', 'pentagon', 'x'];

export interface RunCurve {
  readonly name: string;
  readonly points: readonly CurvePoint[];
}

const MAX_POINTS = 300;
const MARKERS = 8; // on a curve, about: more would hide it

/** A run shorter than this share of the longest one would be squeezed against the y axis: then the epochs are on a log scale. */
const SHORT = 0.25;

/**
 * The learning curves of several runs: accuracy in one panel, loss in the other; test solid, training dotted; colors in the
 * order of the runs. A click on a name hides its run. The first run is drawn over the others. Where some are much shorter
 * than others, the axis of epochs is logarithmic.
 */
export function runCurves(runs: readonly RunCurve[], { title }: { title?: string } = {}): Figure {
  const lengths = runs.flatMap(({ points }) => points.at(-1)?.epoch ?? []);
  const epochs = Math.max(1, ...lengths);
  const scale = Math.min(...lengths) < SHORT * epochs ? 'log' : 'linear';
  const curves = metrics.flatMap((metric, panel) =>
    runs
      .map((run, index) => [curveOf(run, index, 'train', metric, panel), curveOf(run, index, 'test', metric, panel)])
      .reverse()
      .flat(),
  );
  return {
    data: [...curves, ...key],
    layout: layout({
      title,
      names: [...key, ...runs].map(({ name }) => name),
      ...epochAxes(epochs, curves, { scale }),
    }),
  };
}

/** Order in the legend: first what solid and dotted mean, then the runs as they were given. */
const AFTER_KEY = 1000;

const key = (['test', 'training'] as const).map((name) => ({
  ...{ type: 'scatter', mode: 'lines', name, x: [null], y: [null], hoverinfo: 'skip', legendrank: AFTER_KEY - 1 },
  line: name === 'test' ? { color: colors.neutral, width: 3 } : { color: colors.neutral, width: 2, dash: 'dot' },
}));

function curveOf(
  { name, points }: RunCurve,
  index: number,
  role: 'train' | 'test',
  metric: Metric,
  panel: number,
): Curve {
  const rows = points.map((point) => ({ x: point.epoch, y: point[role][metric.key] * metric.scale }));
  const curve = decimateEpochs(rows, MAX_POINTS);
  const isTest = role === 'test';
  const symbol = symbols[index % symbols.length];
  // Training has no marker, but a line of one point can't be seen.
  const marker = isTest
    ? { symbol, size: 9, maxdisplayed: MARKERS }
    : curve.length === 1 && { symbol: `${symbol}-open`, size: 9 };
  return curveIn(panel, name, curve, {
    mode: marker ? 'lines+markers' : 'lines',
    showlegend: isTest,
    legendrank: AFTER_KEY + index,
    line: { color: runColors[index % runColors.length], width: isTest ? 3 : 2, dash: isTest ? 'solid' : 'dot' },
    ...(marker && { marker }),
    hovertemplate: `${metric.hover}<extra>${name}, ${isTest ? 'test' : 'training'}</extra>`,
  });
}
