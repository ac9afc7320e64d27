/** A Plotly figure as plain data. */
export interface Figure {
  readonly data: readonly object[];
  readonly layout: Readonly<Record<string, unknown>>;
}

/** Colours that the colour-blind can tell apart, legible on white and on black. */
export const colors = {
  train: '#1e88e5',
  test: '#d55e00',
  validation: '#009e73',
  neutral: '#8a8a8a',
} as const;

/** The same, for series without a role; in this order. */
export const palette: readonly string[] = [
  colors.train,
  colors.test,
  colors.validation,
  '#b07aa1',
  '#c79a00',
  '#8a8a8a',
];

/** Marker beside the colour: a second way to tell series apart. */
export const symbols = { train: 'circle', test: 'diamond', validation: 'square' } as const;

/** Height of a chart in px: one fits on a screen with the code above it. */
export const HEIGHT = 400;

/**
 * The look that all charts share, under `own`: fonts large enough for a projector; the legend above the panels, and the title
 * above the legend. Colours of text, grid and background are left to the theme of whatever shows the chart.
 */
export function layout({ title, names = [], ...own }: OwnLayout): Record<string, unknown> {
  const more = LEGEND_ROW * (legendRows(names) - 1);
  return {
    height: HEIGHT + more,
    margin: { l: 70, r: 20, t: (title ? 90 : 60) + more, b: 60 },
    font: { family: 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif', size: 15 },
    legend: { orientation: 'h', x: 0.5, xanchor: 'center', y: 1.04, yanchor: 'bottom', maxheight: 1 },
    hovermode: 'x unified',
    ...(title && { title: { text: title, font: { size: 17 }, y: 0.98, yanchor: 'top' } }),
    ...own,
  };
}

interface OwnLayout {
  title?: string;
  /** Of the legend, where they may take more than one row: the figure grows with them. */
  names?: readonly string[];
  [key: string]: unknown;
}

// Of the legend, in px: in a notebook of usual width.
const LEGEND_WIDTH = 790;
const LEGEND_ROW = 32;
const SYMBOL = 55; // with what is left free around a name
const LETTER = 7;

/** About how many rows the names take. */
function legendRows(names: readonly string[]): number {
  let [rows, filled] = [1, 0];
  for (const { length } of names) {
    const width = SYMBOL + LETTER * length;
    if (filled + width > LEGEND_WIDTH && filled > 0) [rows, filled] = [rows + 1, 0];
    filled += width;
  }
  return rows;
}

/** An axis with its title; `own` goes over it. */
export const axis = (title: string, own: Record<string, unknown> = {}): Record<string, unknown> => ({
  title: { text: title, standoff: 10 },
  automargin: true,
  ticklabelstandoff: 4, // where two axes meet, their first labels must not touch
  zeroline: false,
  ...own,
});

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

/** A probability as a person reads it: 0.94 is 94 %; near 0 and 1 with a decimal, so that 99.7 % does not look certain. */
export function percent(probability: number): string {
  const value = 100 * probability;
  const isNearEdge = value < 1 || value > 99;
  const rounded = Number(value.toFixed(isNearEdge ? 1 : 0));
  if (rounded === 100 && value < 100) return '>99.9 %';
  if (rounded === 0 && value > 0) return '<0.1 %';
  return `${rounded} %`;
}

export type Decimals = 0 | 1 | 2 | 3 | 4;

/**
 * Whole numbers with thousands marked, others to four places, and small ones to three digits: 5,000; 0.8125; 0.00002.
 * @param decimals at least so many
 */
export function readable(value: number | bigint, decimals: Decimals = 0): string {
  const isSmall = value > -0.01 && value < 0.01;
  if (isSmall && decimals === 0) return value.toLocaleString('en', { maximumSignificantDigits: 3 });
  return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: 4 });
}
