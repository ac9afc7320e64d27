import type { HoverPictures } from './hoverPictures';
import { axis, colors, type Figure, layout } from './theme';

export interface MatrixOptions {
  readonly xTitle: string;
  readonly yTitle: string;
  /** What the colours mean on and off the diagonal; read beside the chart. */
  readonly names: readonly [diagonal: string, others: string];
  /** Shown when the pointer is over a cell; as many rows and columns as the values. */
  readonly hovers: readonly (readonly string[])[];
  /** Pictures that are shown beside that, where the chart's viewer can, and which of them for each cell. */
  readonly pictures?: { readonly sheet: HoverPictures; readonly cells: readonly (readonly (readonly number[])[])[] };
}

/**
 * A square table of counts as coloured cells, with the counts in them: the diagonal in blue, everything else in orange,
 * each the stronger the larger its share of its row. The scale of the others ends at their largest share, so that rare
 * mistakes are seen beside frequent right answers.
 * @param values a row for each name, a column for each name
 * @throws RangeError when it is not square or not as large as there are names
 */
export function matrixChart(
  names: readonly string[],
  values: readonly (readonly number[])[],
  { xTitle, yTitle, names: traceNames, hovers, pictures }: MatrixOptions,
): Figure {
  if (values.length !== names.length || values.some((row) => row.length !== names.length)) {
    throw new RangeError(
      `the matrix has ${values.length} rows of ${values.map(({ length }) => length).join(', ')} values; expected ` +
        `${names.length} rows of ${names.length}, one for each name`,
    );
  }
  const shares = values.map((row) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((value) => (sum > 0 ? (100 * value) / sum : 0));
  });
  const part = (name: string, color: string, isShown: (row: number, column: number) => boolean) => {
    const z = shares.map((row, i) => row.map((share, j) => (isShown(i, j) ? Number(share.toFixed(2)) : null)));
    return {
      type: 'heatmap',
      name,
      x: names,
      y: names,
      z,
      zmin: 0,
      zmax: Math.max(1, ...z.flat().map(Number)),
      // The theme's background shows through: text in the theme's colour is legible on every cell, in light and in dark.
      colorscale: [
        [0, withAlpha(color, 0)],
        [1, withAlpha(color, 0.75)],
      ],
      showscale: false,
      xgap: 2,
      ygap: 2,
      text: hovers,
      ...(pictures && { customdata: pictures.cells }),
      hoverongaps: false,
      hovertemplate: '%{text}<extra></extra>',
    };
  };
  const cells = values.flatMap((row, i) => row.map((value, j) => ({ value, x: names[j], y: names[i] })));
  const numbers = cells.filter(({ value }) => value > 0);
  return {
    data: [
      part(traceNames[0], colors.train, (i, j) => i === j),
      part(traceNames[1], colors.test, (i, j) => i !== j),
      {
        type: 'scatter',
        mode: 'text',
        name: 'counts',
        x: numbers.map(({ x }) => x),
        y: numbers.map(({ y }) => y),
        text: numbers.map(({ value }) => value.toLocaleString('en')),
        textfont: { size: 14 },
        hoverinfo: 'skip',
      },
    ],
    layout: layout({
      height: 110 + 42 * names.length,
      margin: { l: 110, r: 20, t: 10, b: 80 },
      showlegend: false,
      hovermode: 'closest',
      ...(pictures && { meta: { hoverPictures: pictures.sheet } }),
      xaxis: axis(xTitle, { type: 'category', showgrid: false, tickangle: 0, tickfont: { size: 13 } }),
      yaxis: axis(yTitle, { type: 'category', showgrid: false, autorange: 'reversed' }),
    }),
  };
}

/** #rrggbb with an opacity, 0 to 1. */
function withAlpha(color: string, alpha: number): string {
  const [red, green, blue] = [1, 3, 5].map((from) => parseInt(color.slice(from, from + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}
