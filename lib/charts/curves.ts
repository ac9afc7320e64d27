import { decimate, decimateEpochs } from './decimate';
import { type Annotation, drawMarks } from './annotations';
import { epochAxes, type Metric, metrics } from './panels';
import { axisName, colors, Figure, layout, symbols } from './theme';

/** Loss and accuracy (0 to 1) after an epoch. */
export interface CurvePoint {
  readonly epoch: number;
  readonly train: { readonly loss: number; readonly accuracy: number };
  readonly test: { readonly loss: number; readonly accuracy: number };
  readonly validation?: { readonly loss: number; readonly accuracy: number };
}

/** Loss and accuracy (0 to 1) of a single batch; `epoch` is a fraction: 1.5 is the middle of the second epoch. */
export type BatchPoint = { readonly epoch: number; readonly loss: number; readonly accuracy: number };

/** A run to compare with, drawn dashed: the first five each in its own way, further ones in the same ways again. */
export interface Reference {
  readonly name: string;
  readonly points: readonly CurvePoint[];
}

export interface CurvesOptions {
  /** Length of the epoch axis. Default: as long as the curves. */
  epochs?: number;
  /** The batches between the epochs, as faint lines. */
  batches?: readonly BatchPoint[];
  /** Recorded runs, dashed. */
  references?: readonly Reference[];
  /** What was changed when: dotted lines, labelled above the first panel. */
  marks?: readonly Annotation[];
  title?: string;
}

const MAX_EPOCH_POINTS = 500;
const MAX_BATCH_POINTS = 300;
/** Of recorded runs, in their order: colours say what is training and what is test. */
const DASHES = ['dash', 'dot', 'dashdot', 'longdash', 'longdashdot'] as const;

const roles = [
  { key: 'train', name: 'training' },
  { key: 'validation', name: 'validation' },
  { key: 'test', name: 'test' },
] as const;

/** Learning curves: accuracy in one panel, loss in the other; training, test and, if there is one, validation. */
export function learningCurves(points: readonly CurvePoint[], options: CurvesOptions = {}): Figure {
  const { batches = [], references = [], marks = [], title } = options;
  const longest = (...runs: (readonly CurvePoint[])[]) => Math.max(1, ...runs.map((run) => run.at(-1)?.epoch ?? 0));
  const epochs = options.epochs ?? longest(points, ...references.map((reference) => reference.points));
  const data = metrics.flatMap((metric, panel) => [
    // What lies beyond the axis would stretch the other one.
    ...references.flatMap(({ name, points }, index) =>
      epochCurves(
        points.filter(({ epoch }) => epoch <= epochs),
        metric,
        panel,
        { name, dash: DASHES[index % DASHES.length] },
      ),
    ),
    ...batchCurve(batches, metric, panel),
    ...epochCurves(points, metric, panel),
  ]);
  const { top, shapes, annotations } = drawMarks(marks, epochs, metrics.length);
  return {
    data,
    layout: layout({
      title,
      names: data.flatMap(({ name, showlegend }) => (showlegend ? [name] : [])),
      ...epochAxes(epochs, { top, isEmpty: data.every(({ x }) => x.length === 0) }),
      ...(marks.length > 0 && { shapes, annotations }),
    }),
  };
}

/** A trace, as Plotly takes it. */
interface Curve {
  readonly name: string;
  readonly showlegend: boolean;
  readonly x: readonly number[];
  readonly [key: string]: unknown;
}

interface Dashed {
  readonly name: string;
  readonly dash: (typeof DASHES)[number];
}

function epochCurves(points: readonly CurvePoint[], metric: Metric, panel: number, reference?: Dashed): Curve[] {
  return roles.flatMap(({ key, name }) => {
    const rows = points.flatMap((point) => {
      const score = point[key];
      return score ? [{ x: point.epoch, y: score[metric.key] * metric.scale }] : [];
    });
    if (rows.length === 0 && (key === 'validation' || reference !== undefined)) return [];
    const curve = decimateEpochs(rows, MAX_EPOCH_POINTS);
    // A line of one point can't be seen.
    const hasMarkers = curve.length === 1 || (reference === undefined && curve.length <= 30);
    const label = reference === undefined ? name : `${name}, ${reference.name}`;
    return [
      {
        type: 'scatter',
        mode: hasMarkers ? 'lines+markers' : 'lines',
        name: label,
        legendgroup: label,
        showlegend: panel === 0,
        x: curve.map(({ x }) => x),
        y: curve.map(({ y }) => y),
        xaxis: axisName('x', panel),
        yaxis: axisName('y', panel),
        line: {
          color: colors[key],
          width: reference === undefined ? 3 : 2,
          ...(reference !== undefined && { dash: reference.dash }),
        },
        marker: { symbol: symbols[key], size: 9 },
        ...(reference !== undefined && { opacity: 0.6 }),
        cliponaxis: false,
        hovertemplate: `${metric.hover}<extra>${label}</extra>`,
      },
    ];
  });
}

function batchCurve(batches: readonly BatchPoint[], metric: Metric, panel: number): Curve[] {
  const curve = decimate(batches, MAX_BATCH_POINTS);
  if (curve.length === 0) return [];
  return [
    {
      type: 'scatter',
      mode: 'lines',
      name: 'training, batch by batch',
      legendgroup: 'batches',
      showlegend: panel === 0,
      x: curve.map(({ epoch }) => epoch),
      y: curve.map((point) => point[metric.key] * metric.scale),
      xaxis: axisName('x', panel),
      yaxis: axisName('y', panel),
      line: { color: colors.train, width: 1.5 },
      opacity: 0.6,
      hoverinfo: 'skip',
    },
  ];
}
