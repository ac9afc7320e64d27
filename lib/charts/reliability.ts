import { axis, colors, type Figure, layout } from './theme';
import { count } from '../util/format';

/** Images of which the model was about equally confident. */
export interface ReliabilityBin {
  /** Confidences above `from`, up to `to`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence of these predictions, 0 to 1; 0 where there are none. */
  readonly confidence: number;
  /** Share of these predictions that are right, 0 to 1; 0 where there are none. */
  readonly accuracy: number;
}

/**
 * A reliability diagram: above, how often predictions are right against how confident they are, with a dashed line where
 * both are equal; below, how many there are. Its title tells the expected calibration error.
 * @param calibration bins of equal width, ascending
 */
export function reliabilityDiagram(calibration: {
  readonly bins: readonly ReliabilityBin[];
  readonly expectedError: number;
}): Figure {
  const filled = calibration.bins.filter(({ count }) => count > 0);
  const x = filled.map(({ from, to }) => 50 * (from + to));
  const width = filled.map(({ from, to }) => 100 * (to - from) * 0.94);
  const confidence = filled.map(({ confidence }) => 100 * confidence);
  const right = filled.map(({ accuracy }) => 100 * accuracy);
  const hovers = filled.map(
    (bin, i) =>
      `confidence ${Math.round(100 * bin.from)}–${Math.round(100 * bin.to)} %: ${count(bin.count)} images<br>` +
      `on average ${confidence[i].toFixed(1)} % confident, ${right[i].toFixed(1)} % right`,
  );
  const bar = { type: 'bar', x, width, customdata: hovers, hovertemplate: '%{customdata}<extra></extra>' };
  return {
    data: [
      {
        ...{ type: 'scatter', mode: 'lines', name: 'as confident as right', x: [0, 100], y: [0, 100] },
        ...{ line: { color: colors.neutral, dash: 'dash', width: 2 }, hoverinfo: 'skip' },
      },
      { ...bar, name: 'right', y: right, marker: { color: colors.train, opacity: 0.85 } },
      {
        ...{ type: 'scatter', mode: 'markers', name: 'mean confidence', x: confidence, y: confidence },
        ...{ marker: { color: colors.test, symbol: 'diamond', size: 10 }, hoverinfo: 'skip' },
      },
      {
        ...{ ...bar, name: 'images', y: filled.map(({ count }) => count), yaxis: 'y2' },
        ...{ marker: { color: colors.neutral }, showlegend: false },
      },
    ],
    layout: layout({
      height: 500,
      title: `Expected calibration error: ${(100 * calibration.expectedError).toFixed(1)} percentage points`,
      hovermode: 'closest',
      barmode: 'overlay',
      xaxis: axis('confidence: probability of the predicted class (%)', { range: [0, 100], anchor: 'y2' }),
      yaxis: axis('right (%)', { domain: [0.34, 1], range: [0, 102] }),
      yaxis2: axis('images', { domain: [0, 0.26], anchor: 'x', rangemode: 'tozero', nticks: 4 }),
    }),
  };
}
