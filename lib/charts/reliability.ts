import { axis, colors, type Figure, layout } from './theme';

/** Images of which the model was about equally sure. */
export interface ReliabilityBin {
  /** Probabilities above `from`, up to `to`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean probability of the guesses, 0 to 1. */
  readonly confidence: number;
  /** Share of the guesses that are right, 0 to 1. */
  readonly accuracy: number;
}

/**
 * A reliability diagram: above, how often the guesses are right against how sure they are, with a dashed line where both
 * are equal; below, how many there are.
 * @param bins of equal width, ascending
 * @param title stands above
 */
export function reliabilityDiagram(bins: readonly ReliabilityBin[], title: string): Figure {
  const filled = bins.filter(({ count }) => count > 0);
  const x = filled.map(({ from, to }) => 50 * (from + to));
  const width = filled.map(({ from, to }) => 100 * (to - from) * 0.94);
  const hovers = filled.map(
    ({ from, to, count, confidence, accuracy }) =>
      `sure to ${Math.round(100 * from)}–${Math.round(100 * to)} %: ${count.toLocaleString('en')} images<br>` +
      `on average ${(100 * confidence).toFixed(1)} % sure, ${(100 * accuracy).toFixed(1)} % right`,
  );
  const hover = { customdata: hovers, hovertemplate: '%{customdata}<extra></extra>' };
  return {
    data: [
      {
        type: 'scatter',
        mode: 'lines',
        name: 'as sure as right',
        x: [0, 100],
        y: [0, 100],
        line: { color: colors.neutral, dash: 'dash', width: 2 },
        hoverinfo: 'skip',
      },
      {
        type: 'bar',
        name: 'right',
        x,
        y: filled.map(({ accuracy }) => 100 * accuracy),
        width,
        marker: { color: colors.train, opacity: 0.85 },
        ...hover,
      },
      {
        type: 'scatter',
        mode: 'markers',
        name: 'sure, on average',
        x: filled.map(({ confidence }) => 100 * confidence),
        y: filled.map(({ confidence }) => 100 * confidence),
        marker: { color: colors.test, symbol: 'diamond', size: 10 },
        hoverinfo: 'skip',
      },
      {
        type: 'bar',
        name: 'images',
        x,
        y: filled.map(({ count }) => count),
        width,
        yaxis: 'y2',
        marker: { color: colors.neutral },
        showlegend: false,
        ...hover,
      },
    ],
    layout: layout({
      height: 500,
      title,
      hovermode: 'closest',
      barmode: 'overlay',
      xaxis: axis('how sure the model is: probability of its guess (%)', { range: [0, 100], anchor: 'y2' }),
      yaxis: axis('right (%)', { domain: [0.34, 1], range: [0, 102] }),
      yaxis2: axis('images', { domain: [0, 0.26], anchor: 'x', rangemode: 'tozero', nticks: 4 }),
    }),
  };
}
