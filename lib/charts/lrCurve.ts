import { axis, colors, type Figure, layout, note, verticalLine } from './theme';

/** The loss of a step at one learning rate, as it was and smoothed over its neighbors. */
export interface LrPoint {
  readonly lr: number;
  readonly loss: number;
  readonly smoothed: number;
}

export interface LrCurveOptions {
  /** A learning rate to be marked. */
  suggestion?: number;
  /** The ends of the axis. Default: those of the points. */
  range?: readonly [from: number, to: number];
  title?: string;
}

/** Loss against learning rate, on a logarithmic axis. Where the loss explodes the curve leaves the picture at the top. */
export function lrCurve(points: readonly LrPoint[], options: LrCurveOptions = {}): Figure {
  const { suggestion, title } = options;
  const x = points.map(({ lr }) => lr);
  const range = options.range ?? (points.length > 0 ? [x[0], x[x.length - 1]] : [1e-5, 10]);
  const line = { color: colors.train, width: 3 };
  return {
    data: [
      {
        ...{ type: 'scatter', mode: 'lines', name: 'loss of each batch', x, y: points.map(({ loss }) => loss) },
        ...{ line: { ...line, width: 1.5 }, opacity: 0.5, hoverinfo: 'skip' },
      },
      {
        ...{ type: 'scatter', mode: 'lines', name: 'smoothed', x, y: points.map(({ smoothed }) => smoothed), line },
        hovertemplate: 'learning rate %{x:.2g}: loss %{y:.3f}<extra></extra>',
      },
    ],
    layout: layout({
      title,
      hovermode: 'closest',
      xaxis: axis('learning rate (logarithmic)', {
        ...{ type: 'log', range: range.map(Math.log10), dtick: 1, exponentformat: 'power', showexponent: 'all' },
      }),
      yaxis: axis('loss (cross entropy)', points.length > 0 ? { range: heights(points) } : {}),
      ...(suggestion !== undefined && {
        shapes: [verticalLine(suggestion, { color: colors.test, width: 2.5, dash: 'dash' })],
        annotations: [
          note(`suggestion: ${Number(suggestion.toPrecision(2))}`, Math.log10(suggestion), 0.98, {
            ...{ yref: 'paper', xanchor: 'right', yanchor: 'top', xshift: -6 },
            font: { color: colors.test, size: 16 },
          }),
        ],
      }),
    }),
  };
}

/** From the lowest loss to somewhat above the loss at the start. */
function heights(points: readonly LrPoint[]): [number, number] {
  const lowest = Math.min(...points.map(({ loss, smoothed }) => Math.min(loss, smoothed)));
  const start = points[0].smoothed;
  const room = Math.max(0.25 * (start - lowest), 0.05 * start);
  return [lowest - room / 2, start + 2 * room];
}
