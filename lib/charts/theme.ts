// The look that all charts share. Colors of text, grid and background are left to the theme of whatever shows the chart.

/** A Plotly figure as plain data. */
export interface Figure {
  readonly data: readonly object[];
  readonly layout: Readonly<Record<string, unknown>>;
}

/** Colors that the colorblind can tell apart, legible on white and on black. */
export const colors = { train: '#1e88e5', test: '#d55e00', validation: '#009e73', neutral: '#8a8a8a' } as const;

/** The same for series without a role, in this order. */
export const palette: readonly string[] = [
  ...[colors.train, colors.test, colors.validation],
  ...['#b07aa1', '#c79a00', colors.neutral],
];

interface LayoutOptions {
  title?: string;
  /** Names in the legend, where they may take more than one row: the figure grows with them. */
  names?: readonly string[];
  [key: string]: unknown;
}

// In a notebook of usual width.
const LEGEND_WIDTH = 740; // px
const LEGEND_ROW = 32; // px

/** A layout: fonts large enough for a projector, the legend above the panels, the title above the legend. */
export function layout({ title, names = [], ...own }: LayoutOptions): Record<string, unknown> {
  const widths = names.map(({ length }) => 55 + 7 * length); // px, with the symbol
  const rows = Math.ceil(widths.reduce((sum, width) => sum + width, 0) / LEGEND_WIDTH);
  const extra = LEGEND_ROW * Math.max(0, rows - 1);
  return {
    height: 400 + extra, // fits on a screen with the code above it
    margin: { l: 70, r: 20, t: (title ? 90 : 60) + extra, b: 60 },
    font: { family: 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif', size: 15 },
    legend: { orientation: 'h', x: 0.5, xanchor: 'center', y: 1.04, yanchor: 'bottom', maxheight: 1 },
    hovermode: 'x unified',
    ...(title && { title: { text: title, font: { size: 17 }, y: 0.98, yanchor: 'top' } }),
    ...own,
  };
}

/** An axis with its title; `own` overrides the defaults. */
export const axis = (title: string, own: Record<string, unknown> = {}): Record<string, unknown> => ({
  title: { text: title, standoff: 10 },
  automargin: true,
  ticklabelstandoff: 4, // where two axes meet, their first labels must not touch
  zeroline: false,
  ...own,
});

export const hiddenAxis = { visible: false, fixedrange: true } as const;

/** The x-range (0 to 1) of panel `index` of `count` panels side by side. */
export function panelDomain(index: number, count: number): [number, number] {
  const gap = count > 1 ? 0.12 : 0;
  const width = (1 - gap * (count - 1)) / count;
  const start = index * (width + gap);
  return [start, Math.min(1, start + width)];
}

/** Plotly's name of the axis of panel `index`: x, x2, x3… */
export const axisName = (letter: 'x' | 'y', index: number): string => (index === 0 ? letter : `${letter}${index + 1}`);

/** And its name in a layout: xaxis, xaxis2, xaxis3… */
export const axisKey = (letter: 'x' | 'y', index: number): string => `${letter}axis${index === 0 ? '' : index + 1}`;

/** Text at a place of the figure, in data coordinates unless `own` says otherwise. */
export const note = (text: string, x: number, y: number, own: object = {}): object => ({
  ...{ text, x, y, showarrow: false },
  ...own,
});

/** A vertical line over the whole height. */
export const verticalLine = (x: number, line: object, own: object = {}): object => ({
  ...{ type: 'line', x0: x, x1: x, yref: 'paper', y0: 0, y1: 1, line },
  ...own,
});

/** A figure with a message instead of data. */
export const emptyFigure = (message: string): Figure => ({
  data: [],
  layout: layout({
    height: 100,
    margin: { l: 5, r: 5, t: 5, b: 5 },
    annotations: [note(message, 0.5, 0.5, { xref: 'paper', yref: 'paper', font: { size: 17 } })],
    xaxis: hiddenAxis,
    yaxis: hiddenAxis,
    showlegend: false,
    hovermode: false,
  }),
});
