import { type Annotation, drawAnnotations } from './annotations';
import { type Curve, curveIn, decimate, decimateEpochs, epochAxes, type Metric, metrics } from './panels';
import { colors, type Figure, layout } from './theme';

interface Score {
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
}

/** Loss and accuracy after an epoch. */
export interface CurvePoint {
  readonly epoch: number;
  readonly train: Score;
  readonly test: Score;
  readonly validation?: Score;
}

/** Loss and accuracy of a single batch; `epoch` is a fraction: 1.5 is the middle of the second epoch. */
export interface BatchPoint extends Score {
  readonly epoch: number;
  /** Images in the batch. A batch of less than half as many as others have is not drawn: chance would make it a spike. */
  readonly images?: number;
}

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
  /** What was changed when: dotted lines, labeled above the first panel. */
  annotations?: readonly Annotation[];
  title?: string;
}

const MAX_EPOCH_POINTS = 500;
const MAX_BATCH_POINTS = 300;
/** Of recorded runs, in their order: colors say what is training and what is test. */
const DASHES = ['dash', 'dot', 'dashdot', 'longdash', 'longdashdot'] as const;

const roles = [
  { key: 'train', name: 'training', symbol: 'circle' },
  { key: 'validation', name: 'validation', symbol: 'square' },
  { key: 'test', name: 'test', symbol: 'diamond' },
] as const;

/**
 * Learning curves: accuracy in one panel, loss in the other; training, test and, if there is one, validation. The loss axis
 * bears outliers, and says so.
 */
export function learningCurves(points: readonly CurvePoint[], options: CurvesOptions = {}): Figure {
  const { batches = [], references = [], annotations = [], title } = options;
  const ends = [points, ...references.map((reference) => reference.points)].map((run) => run.at(-1)?.epoch ?? 0);
  const epochs = options.epochs ?? Math.max(1, ...ends);
  const curves = metrics.flatMap((metric, panel) => [
    ...references.flatMap(({ name, points }, index) =>
      epochCurves(
        points.filter(({ epoch }) => epoch <= epochs), // what lies beyond the axis would stretch the other one
        metric,
        panel,
        { name, dash: DASHES[index % DASHES.length] },
      ),
    ),
    ...batchCurve(batches, metric, panel),
    ...epochCurves(points, metric, panel),
  ]);
  const drawn = drawAnnotations(annotations, epochs, metrics.length);
  return {
    data: curves,
    layout: layout({
      title,
      names: curves.flatMap(({ name, showlegend }) => (showlegend ? [name] : [])),
      ...epochAxes(epochs, curves, drawn),
      ...(annotations.length > 0 && { shapes: drawn.shapes, annotations: drawn.annotations }),
    }),
  };
}

function epochCurves(
  points: readonly CurvePoint[],
  metric: Metric,
  panel: number,
  reference?: { readonly name: string; readonly dash: string },
): Curve[] {
  return roles.flatMap(({ key, name, symbol }) => {
    const rows = points.flatMap((point) => {
      const score = point[key];
      return score ? [{ x: point.epoch, y: score[metric.key] * metric.scale }] : [];
    });
    if (rows.length === 0 && (key === 'validation' || reference)) return [];
    const curve = decimateEpochs(rows, MAX_EPOCH_POINTS);
    // A line of one point can't be seen.
    const hasMarkers = curve.length === 1 || (!reference && curve.length <= 30);
    const label = reference ? `${name}, ${reference.name}` : name;
    return curveIn(panel, label, curve, {
      mode: hasMarkers ? 'lines+markers' : 'lines',
      line: { color: colors[key], width: reference ? 2 : 3, ...(reference && { dash: reference.dash }) },
      marker: { symbol, size: 9 },
      ...(reference && { opacity: 0.6 }),
      hovertemplate: `${metric.hover}<extra>${label}</extra>`,
    });
  });
}

function batchCurve(batches: readonly BatchPoint[], metric: Metric, panel: number): Curve[] {
  const largest = batches.reduce((most, { images = 0 }) => Math.max(most, images), 0);
  const rows = batches
    .filter(({ images = largest }) => 2 * images >= largest)
    .map((point) => ({ x: point.epoch, y: point[metric.key] * metric.scale }));
  const curve = decimate(rows, MAX_BATCH_POINTS);
  if (curve.length === 0) return [];
  const look = { mode: 'lines', line: { color: colors.train, width: 1.5 }, opacity: 0.6, hoverinfo: 'skip' } as const;
  return [curveIn(panel, 'training, batch by batch', curve, look)];
}
