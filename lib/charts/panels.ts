// Accuracy in one panel, loss in the other, over epochs: what all learning curves are drawn in.
import { axis, axisKey, axisName, panelDomain } from './theme';

export const metrics = [
  { key: 'accuracy', title: 'accuracy (%)', scale: 100, hover: '%{y:.2f} %' },
  { key: 'loss', title: 'loss (cross entropy)', scale: 1, hover: '%{y:.3f}' },
] as const;

export type Metric = (typeof metrics)[number];

/**
 * The axes of both panels.
 * @param epochs where the axis of epochs ends
 * @param top the share of the height that the panels take; above it is room for labels
 */
export function epochAxes(epochs: number, top = 1): object {
  const axes = metrics.flatMap((metric, panel) => [
    [
      axisKey('x', panel),
      axis('epoch', {
        domain: panelDomain(panel, metrics.length),
        anchor: axisName('y', panel),
        range: [-0.03 * epochs, 1.03 * epochs],
        ...(epochs <= 10 && { dtick: 1 }),
      }),
    ],
    [axisKey('y', panel), axis(metric.title, { anchor: axisName('x', panel), domain: [0, top] })],
  ]);
  return Object.fromEntries(axes) as object;
}
