// Accuracy in one panel, loss in the other, over epochs: what all learning curves are drawn in.
import { axis, axisKey, axisName, panelDomain } from './theme';

export const metrics = [
  { key: 'accuracy', title: 'accuracy (%)', scale: 100, hover: '%{y:.2f} %', emptyRange: [0, 100] },
  { key: 'loss', title: 'loss (cross entropy)', scale: 1, hover: '%{y:.3f}', emptyRange: [0, 2.5] },
] as const;

export type Metric = (typeof metrics)[number];

export interface EpochAxesOptions {
  /** The share of the height that the panels take; above it is room for labels. Default: 1. */
  readonly top?: number;
  /** Of the epochs. Default: linear. */
  readonly scale?: 'linear' | 'log';
  /** Whether nothing is drawn yet; the panels then show the values to come, where Plotly would show −1 to 4. Default: no. */
  readonly isEmpty?: boolean;
}

/**
 * The axes of both panels.
 * @param epochs where the axis of epochs ends
 */
export function epochAxes(
  epochs: number,
  { top = 1, scale = 'linear', isEmpty = false }: EpochAxesOptions = {},
): object {
  const axes = metrics.flatMap((metric, panel) => [
    [
      axisKey('x', panel),
      axis(scale === 'log' ? 'epoch (logarithmic)' : 'epoch', {
        domain: panelDomain(panel, metrics.length),
        anchor: axisName('y', panel),
        ...(scale === 'log' ? logScale(epochs) : linearScale(epochs)),
      }),
    ],
    [
      axisKey('y', panel),
      axis(metric.title, {
        anchor: axisName('x', panel),
        domain: [0, top],
        ...(isEmpty && { range: metric.emptyRange }),
      }),
    ],
  ]);
  return Object.fromEntries(axes) as object;
}

const linearScale = (epochs: number) => ({
  range: [-0.03 * epochs, 1.03 * epochs],
  ...(epochs <= 10 && { dtick: 1 }),
});

const logScale = (epochs: number) => ({
  type: 'log',
  range: [Math.log10(0.9), Math.log10(1.1 * epochs)],
  tickvals: [1, 10, 100, 1000, 10_000].flatMap((decade) => [decade, 2 * decade, 5 * decade]),
});
