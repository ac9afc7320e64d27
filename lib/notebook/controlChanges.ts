// The notes in a chart that say when a control was moved: dragging a slider leaves one, not fifty.
import type { Change } from './controls';

/** A change of a control, and when in the training it happened. */
export interface ControlChange extends Pick<Change, 'name' | 'label' | 'from' | 'to'> {
  /** Epochs done, with fractions. */
  readonly epoch: number;
  /** Batches done. */
  readonly batch: number;
  /** ms. */
  readonly time: number;
}

/** Changes of one control within this time, in ms, or within one batch, count as one. */
const PAUSE = 2000;

/** Adds a change, merged with the last one if it belongs to the same gesture; a gesture that ends where it began leaves nothing. */
export function addChange(
  changes: readonly ControlChange[],
  { name, label, from, to }: Change,
  at: Pick<ControlChange, 'epoch' | 'batch' | 'time'>,
): ControlChange[] {
  const before = changes.filter((other) => other.name === name).at(-1);
  const isSameGesture = before && (at.time - before.time <= PAUSE || at.batch - before.batch <= 1);
  if (!isSameGesture) return [...changes, { name, label, from, to, ...at }];
  const others = changes.filter((other) => other !== before);
  return before.from === to ? others : [...others, { ...before, to, ...at }];
}

/** “lr 0.1 → 0.01” */
export const changeLabel = ({ label, from, to }: Pick<ControlChange, 'label' | 'from' | 'to'>): string =>
  `${label} ${from} → ${to}`;
