import { axis, colors, Figure, layout } from './theme';

/** The loss of a step at one learning rate, as it was and smoothed over its neighbours. */
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

/** Loss against learning rate, on a logarithmic axis. What explodes leaves the picture at the top. */
export function lrCurve(points: readonly LrPoint[], options: LrCurveOptions = {}): Figure {
  const { suggestion, title } = options;
  const lrs = points.map(({ lr }) => lr);
  const range = options.range ?? (points.length > 0 ? [lrs[0], lrs[lrs.length - 1]] : [1e-5, 10]);
  const trace = (name: string, y: number[], own: object) => ({
    type: 'scatter',
    mode: 'lines',
    name,
    x: lrs,
    y,
    ...own,
  });
  const marks = suggestion === undefined ? {} : mark(suggestion);
  return {
    data: [
      trace(
        'loss of each batch',
        points.map(({ loss }) => loss),
        { line: { color: colors.train, width: 1.5 }, opacity: 0.5, hoverinfo: 'skip' },
      ),
      trace(
        'smoothed',
        points.map(({ smoothed }) => smoothed),
        {
          line: { color: colors.train, width: 3 },
          hovertemplate: 'learning rate %{x:.2g}: loss %{y:.3f}<extra></extra>',
        },
      ),
    ],
    layout: layout({
      title,
      hovermode: 'closest',
      xaxis: axis('learning rate (logarithmic)', {
        type: 'log',
        range: range.map(Math.log10),
        dtick: 1,
        exponentformat: 'power',
        showexponent: 'all',
      }),
      yaxis: axis('loss (cross entropy)', points.length > 0 ? { range: heights(points) } : {}),
      ...marks,
    }),
  };
}

/** A vertical line, with the number on top of it. */
function mark(lr: number): object {
  return {
    shapes: [
      {
        type: 'line',
        xref: 'x',
        yref: 'paper',
        ...{ x0: lr, x1: lr, y0: 0, y1: 1 },
        line: { color: colors.test, width: 2.5, dash: 'dash' },
      },
    ],
    annotations: [
      {
        text: `suggestion: ${Number(lr.toPrecision(2))}`,
        xref: 'x',
        yref: 'paper',
        ...{ x: Math.log10(lr), y: 0.98, xanchor: 'right', yanchor: 'top', xshift: -6, showarrow: false },
        font: { color: colors.test, size: 16 },
      },
    ],
  };
}

/** From the lowest loss to somewhat above the loss at the start. */
function heights(points: readonly LrPoint[]): [number, number] {
  const lowest = Math.min(...points.map(({ loss, smoothed }) => Math.min(loss, smoothed)));
  const start = points[0].smoothed;
  const room = Math.max(0.25 * (start - lowest), 0.05 * start);
  return [lowest - room / 2, start + 2 * room];
}
