// What tests read in a figure.
import { type Figure } from 'cifar10/charts';

/** A trace, of whichever kind: what its kind does not have is not there. */
export interface Trace {
  readonly name: string;
  readonly mode: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly z: readonly (readonly (number | null)[])[];
  readonly text: readonly string[] & readonly (readonly string[])[];
  readonly xaxis: string;
  readonly line: { readonly dash?: string; readonly color: string };
  readonly marker?: { readonly symbol: string };
  readonly hovertemplate: string;
}
export const traces = ({ data }: Figure) => data as readonly Trace[];

export const captionsOf = ({ layout }: Figure) => (layout.annotations as { text: string }[]).map(({ text }) => text);

/** A point of learning curves. */
export const point = (epoch: number, accuracy: number) => ({
  epoch,
  train: { loss: 2 - accuracy, accuracy },
  test: { loss: 2, accuracy: accuracy / 2 },
});
