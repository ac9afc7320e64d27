import { axis, axisKey, axisName, Figure, layout, palette, panelDomain } from './theme';

export interface HistogramPanel {
  /** Stands above the panel. */
  readonly title: string;
  /** What is counted, with its unit. */
  readonly xTitle: string;
  readonly values: ArrayLike<number>;
  /** From where to where is counted. Default: from the smallest to the largest value. */
  readonly range?: readonly [number, number];
  readonly color?: string;
}

/**
 * Histograms side by side, each bar the share of the values in it, all on one scale of shares. Only the bars go into the
 * figure, never the values.
 * @param options.bins number of bars in each panel
 * @throws RangeError on values that are not finite, and on bins that are no whole number from 1
 */
export function histograms(panels: readonly HistogramPanel[], { bins = 64 }: { bins?: number } = {}): Figure {
  const data = panels.map(({ title, values, range, color }, panel) => {
    const { centers, shares, width } = count(values, bins, range);
    return {
      type: 'bar',
      name: title,
      x: centers,
      y: shares.map((share) => 100 * share),
      width,
      xaxis: axisName('x', panel),
      yaxis: axisName('y', panel),
      marker: { color: color ?? palette[3], line: { width: 0 } },
      hovertemplate: `%{x:.3~g}: %{y:.2f} %<extra></extra>`,
    };
  });
  const axes = panels.flatMap(({ xTitle }, panel) => [
    [axisKey('x', panel), axis(xTitle, { domain: panelDomain(panel, panels.length), anchor: axisName('y', panel) })],
    [
      axisKey('y', panel),
      axis(panel === 0 ? 'share (%)' : '', {
        anchor: axisName('x', panel),
        rangemode: 'tozero',
        ...(panel > 0 && { matches: 'y' }),
      }),
    ],
  ]);
  const titles = panels.map(({ title }, panel) => ({
    text: title,
    showarrow: false,
    xref: 'paper',
    yref: 'paper',
    x: (panelDomain(panel, panels.length)[0] + panelDomain(panel, panels.length)[1]) / 2,
    y: 1.04,
    xanchor: 'center',
    yanchor: 'bottom',
    font: { size: 16 },
  }));
  return {
    data,
    layout: layout({
      ...(Object.fromEntries(axes) as object),
      annotations: titles,
      showlegend: false,
      hovermode: 'closest',
      bargap: 0,
    }),
  };
}

function count(values: ArrayLike<number>, bins: number, range?: readonly [number, number]) {
  if (!Number.isInteger(bins) || bins < 1) throw new RangeError(`bins is ${bins}; it must be a whole number from 1`);
  checkFinite(values);
  const [low, high] = range ?? extent(values);
  const width = (high - low || 1) / bins;
  const shares = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((values[i] - low) / width);
    // The largest value belongs to the last bar.
    if (values[i] >= low && values[i] <= high) shares[Math.min(bin, bins - 1)] += 1 / values.length;
  }
  return { centers: shares.map((_, bin) => low + (bin + 0.5) * width), shares, width };
}

function checkFinite(values: ArrayLike<number>): void {
  let others = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) others++;
  if (others === 0) return;
  throw new RangeError(
    `${others.toLocaleString('en')} of ${values.length.toLocaleString('en')} values are NaN or infinite; ` +
      'expected finite numbers: leave the others out with filter(Number.isFinite)',
  );
}

function extent(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return values.length ? [low, high] : [0, 1];
}
