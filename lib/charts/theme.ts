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
 * The look that all charts share, under `own`: fonts large enough for a projector; the legend above the panels.
 * Colours of text, grid and background are left to the theme of whatever shows the chart.
 */
export function layout(own: Record<string, unknown>): Record<string, unknown> {
  return {
    height: HEIGHT,
    margin: { l: 70, r: 20, t: 60, b: 60 },
    font: { family: 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif', size: 15 },
    legend: { orientation: 'h', x: 0.5, xanchor: 'center', y: 1.04, yanchor: 'bottom' },
    hovermode: 'x unified',
    ...own,
  };
}

/** An axis with its title; `own` goes over it. */
export const axis = (title: string, own: Record<string, unknown> = {}): Record<string, unknown> => ({
  title: { text: title, standoff: 10 },
  automargin: true,
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
  return `${Number(value.toFixed(isNearEdge ? 1 : 0))} %`;
}
