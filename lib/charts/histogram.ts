import { axis, axisKey, axisName, type Figure, layout, note, palette, panelDomain } from './theme';
import { count } from '../util/format';
import { checkInteger } from '../util/options';

export interface HistogramPanel {
  /** Shown above the panel. */
  readonly title: string;
  /** What is counted, with its unit. */
  readonly xTitle: string;
  readonly values: ArrayLike<number>;
  /** Only values in this range are counted. Default: from the smallest to the largest value. */
  readonly range?: readonly [number, number];
  readonly color?: string;
}

const MAX_PANELS = 4;

/**
 * Up to four histograms side by side, each bar the share of the values in it, all on one scale of shares; a value between two
 * bars belongs to the one that begins there. Only the bars go into the figure, never the values.
 * @param options.bins number of bars in each panel. Default: 64
 * @throws RangeError on values that are not finite, an empty range, bins that are not an integer ≥ 1, and too many panels
 */
export function histograms(panels: readonly HistogramPanel[], { bins = 64 }: { bins?: number } = {}): Figure {
  if (panels.length > MAX_PANELS) {
    throw new RangeError(
      `there are ${panels.length} histograms; expected at most ${MAX_PANELS} side by side: show the others in a figure of their own`,
    );
  }
  checkInteger('bins', bins, 1);
  const data = panels.map(({ title, values, range, color }, panel) => ({
    ...{ type: 'bar', name: title, ...bars(values, bins, range) },
    ...{ xaxis: axisName('x', panel), yaxis: axisName('y', panel) },
    marker: { color: color ?? palette[3], line: { width: 0 } },
    hovertemplate: '%{x:.3~g}: %{y:.2f} %<extra></extra>',
  }));
  const axes = panels.flatMap(({ xTitle }, panel) => [
    [axisKey('x', panel), axis(xTitle, { domain: panelDomain(panel, panels.length), anchor: axisName('y', panel) })],
    [
      axisKey('y', panel),
      axis(panel === 0 ? 'share (%)' : '', {
        ...{ anchor: axisName('x', panel), rangemode: 'tozero', ...(panel > 0 && { matches: 'y' }) },
      }),
    ],
  ]);
  const titles = panels.map(({ title }, panel) => {
    const [from, to] = panelDomain(panel, panels.length);
    const own = { xref: 'paper', yref: 'paper', xanchor: 'center', yanchor: 'bottom', font: { size: 16 } };
    return note(title, (from + to) / 2, 1.04, own);
  });
  const own = { annotations: titles, showlegend: false, hovermode: 'closest', bargap: 0 };
  return { data, layout: layout({ ...(Object.fromEntries(axes) as object), ...own }) };
}

function bars(values: ArrayLike<number>, bins: number, range?: readonly [number, number]) {
  const [low, high] = range ?? extent(values);
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) {
    throw new RangeError(`range is [${low}, ${high}]; expected two finite numbers, the lower one first`);
  }
  const width = (high - low) / bins;
  const shares = new Array<number>(bins).fill(0);
  let notFinite = 0;
  for (let i = 0; i < values.length; i++) {
    // The epsilon keeps rounding from moving an edge, such as 0.3 in [0.1, 0.7], to the bar before.
    const bin = Math.floor(((values[i] - low) * bins) / (high - low) + 1e-9);
    // The largest value belongs to the last bar.
    if (values[i] >= low && values[i] <= high) shares[Math.min(bin, bins - 1)] += 100 / values.length;
    if (!Number.isFinite(values[i])) notFinite++;
  }
  if (notFinite > 0) {
    throw new RangeError(
      `${count(notFinite)} of ${count(values.length)} values are NaN or infinite; expected finite numbers: ` +
        'leave the others out with filter(Number.isFinite)',
    );
  }
  return { x: shares.map((_, bin) => low + (bin + 0.5) * width), y: shares, width };
}

/** From the smallest to the largest finite value; where all are equal, as far to both sides of it. */
function extent(values: ArrayLike<number>): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  if (low > high) return [0, 1];
  const margin = low === high ? Math.max(0.5, 1e-9 * Math.abs(low)) : 0;
  return [low - margin, high + margin];
}
