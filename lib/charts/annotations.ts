import { axisName, colors } from './theme';

/** That something was changed in the middle of a run; `epoch` is a fraction, `label` a few words: “lr 0.1 → 0.01”. */
export interface Annotation {
  readonly epoch: number;
  readonly label: string;
}

/** Rows for labels above the panels; each takes this share of the height. */
const MAX_ROWS = 4;
const ROW = 0.07;
/** Width of a character, as a share of a panel in a notebook of usual width. */
const CHARACTER = 0.018;

interface Label extends Annotation {
  /** From the top of the panels upwards; undefined where there is no room for its text. */
  readonly row: number | undefined;
}

/**
 * Marks as Plotly draws them: a dotted line in each panel; above the first one the labels, in rows, so that none covers
 * another. Where there is no room left the label is shown under the mouse only.
 * @returns with `top`, the share of the height that the labels leave to the panels
 */
export function drawMarks(
  marks: readonly Annotation[],
  epochs: number,
  panels: number,
): { top: number; shapes: object[]; annotations: object[] } {
  const labels = placeLabels(marks, epochs);
  const rows = Math.max(0, ...labels.map(({ row = MAX_ROWS - 1 }) => row + 1));
  const top = 1 - ROW * rows;
  const shapes = Array.from({ length: panels }, (_, panel) =>
    labels.map(({ epoch, row = MAX_ROWS - 1 }) => ({
      type: 'line',
      xref: axisName('x', panel),
      yref: 'paper',
      x0: epoch,
      x1: epoch,
      y0: 0,
      y1: panel === 0 ? top + ROW * (row + 0.8) : top,
      line: { color: colors.neutral, width: 1.5, dash: 'dot' },
    })),
  ).flat();
  const annotations = labels.map(({ epoch, label, row }) => ({
    xref: 'x',
    yref: 'paper',
    x: epoch,
    y: top + ROW * (row ?? MAX_ROWS - 1),
    xanchor: 'left',
    yanchor: 'bottom',
    xshift: 2,
    showarrow: false,
    text: row === undefined ? '…' : label,
    hovertext: label,
    font: { size: 13 },
  }));
  return { top, shapes, annotations };
}

/** Each label into the lowest row in which it covers no other. Later marks are placed first: they are looked for. */
function placeLabels(marks: readonly Annotation[], epochs: number): Label[] {
  const taken: [from: number, to: number][][] = Array.from({ length: MAX_ROWS }, () => []);
  return [...marks].reverse().map((mark) => {
    const from = mark.epoch / epochs;
    const to = from + CHARACTER * (mark.label.length + 1);
    const row = taken.findIndex((spans) => spans.every((span) => to <= span[0] || from >= span[1]));
    taken[row]?.push([from, to]);
    return { ...mark, row: row < 0 ? undefined : row };
  });
}
