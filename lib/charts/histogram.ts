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

const MAX_PANELS = 4;

/**
 * Up to four histograms side by side, each bar the share of the values in it, all on one scale of shares; a value between two
 * bars belongs to the one that begins there. Only the bars go into the figure, never the values.
 * @param options.bins number of bars in each panel
 * @throws RangeError on values that are not finite, a range that is none, bins that are no whole number from 1, and more
 *   panels than there is room for
 */
export function histograms(panels: readonly HistogramPanel[], { bins = 64 }: { bins?: number } = {}): Figure {
  if (panels.length > MAX_PANELS) {
    throw new RangeError(
      `there are ${panels.length} histograms; expected at most ${MAX_PANELS} side by side: show the others in a figure of their own`,
    );
  }
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
  if (range) checkRange(range);
  const [low, high] = range ?? extent(values);
  const width = (high - low) / bins;
  const shares = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    // The little more keeps rounding from moving an edge, such as 0.3 in [0.1, 0.7], to the bar before.
    const bin = Math.floor(((values[i] - low) * bins) / (high - low) + 1e-9);
    // The largest value belongs to the last bar.
    if (values[i] >= low && values[i] <= high) shares[Math.min(bin, bins - 1)] += 1 / values.length;
  }
  return { centers: shares.map((_, bin) => low + (bin + 0.5) * width), shares, width };
}

function checkRange([low, high]: readonly [number, number]): void {
  if (Number.isFinite(low) && Number.isFinite(high) && low < high) return;
  throw new RangeError(`range is [${low}, ${high}]; expected two finite numbers, the lower one first`);
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

/** From the smallest to the largest value; where all are equal, as far to both sides of it. */
function extent(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  if (values.length === 0) return [0, 1];
  const margin = low === high ? Math.max(0.5, 1e-9 * Math.abs(low)) : 0;
  return [low - margin, high + margin];
}
