// What is written into a chart when controls are moved: a slider that is dragged leaves one mark, not fifty.
import type { Change } from './controls';

/** A change of a control, and where in the training it was. */
export interface ControlChange extends Pick<Change, 'name' | 'label' | 'from' | 'to'> {
  /** Epochs done, as a fraction. */
  readonly epoch: number;
  /** Batches done. */
  readonly batch: number;
  /** In ms. */
  readonly time: number;
}

/** Changes of a control that follow each other within this time, in ms, or within one batch, are one. */
const PAUSE = 2000;

/** The marks with one change more: joined to that of the same gesture, and gone if it leads back to where it began. */
export function addChange(
  marks: readonly ControlChange[],
  { name, label, from, to }: Change,
  at: Pick<ControlChange, 'epoch' | 'batch' | 'time'>,
): ControlChange[] {
  const before = marks.filter((mark) => mark.name === name).at(-1);
  const isSameGesture = before && (at.time - before.time <= PAUSE || at.batch - before.batch <= 1);
  if (!isSameGesture) return [...marks, { name, label, from, to, ...at }];
  const others = marks.filter((mark) => mark !== before);
  return before.from === to ? others : [...others, { ...before, to, ...at }];
}

/** “lr 0.1 → 0.01” */
export const changeLabel = ({ label, from, to }: Pick<ControlChange, 'label' | 'from' | 'to'>): string =>
  `${label} ${from} → ${to}`;
