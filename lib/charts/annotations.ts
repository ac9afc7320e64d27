import { axisName, colors, note, verticalLine } from './theme';

/** Something that was changed during a run; `epoch` is a fraction, `label` a few words: “lr 0.1 → 0.01”. */
export interface Annotation {
  readonly epoch: number;
  readonly label: string;
}

/** Rows for labels above the panels; each takes this share of the height. */
const MAX_ROWS = 4;
const ROW = 0.07;
/** Width of a character, as a share of a panel in a notebook of usual width. */
const CHARACTER = 0.018;

/**
 * Annotations as Plotly draws them: a dotted line in each panel; above the first one the labels, in rows, so that none covers
 * another. Where there is no room left the label is shown at the pointer only.
 * @returns with `top`, the share of the height that the labels leave to the panels
 */
export function drawAnnotations(
  given: readonly Annotation[],
  epochs: number,
  panels: number,
): { top: number; shapes: object[]; annotations: object[] } {
  const labels = placeLabels(given, epochs);
  const top = 1 - ROW * Math.max(0, ...labels.map(({ row }) => row + 1));
  const line = { color: colors.neutral, width: 1.5, dash: 'dot' };
  const shapes = Array.from({ length: panels }, (_, panel) =>
    labels.map(({ epoch, row }) =>
      verticalLine(epoch, line, { xref: axisName('x', panel), y1: panel === 0 ? top + ROW * (row + 0.8) : top }),
    ),
  ).flat();
  const annotations = labels.map(({ epoch, label, row, fits }) =>
    note(fits ? label : '…', epoch, top + ROW * row, {
      ...{ xref: 'x', yref: 'paper', xanchor: 'left', yanchor: 'bottom', xshift: 2 },
      ...{ hovertext: label, font: { size: 13 } },
    }),
  );
  return { top, shapes, annotations };
}

/** Each label in the lowest row in which it covers no other. Later ones are placed first: the reader looks for them. */
function placeLabels(given: readonly Annotation[], epochs: number) {
  const taken: { from: number; to: number }[][] = Array.from({ length: MAX_ROWS }, () => []);
  return [...given].reverse().map((annotation) => {
    const from = annotation.epoch / epochs;
    const to = from + CHARACTER * (annotation.label.length + 1);
    const row = taken.findIndex((spans) => spans.every((span) => to <= span.from || from >= span.to));
    taken[row]?.push({ from, to });
    return { ...annotation, row: row < 0 ? MAX_ROWS - 1 : row, fits: row >= 0 };
  });
}
