import type { Run } from './run';

/** What a run came to; accuracies from 0 to 1. Undefined where it has no epoch. */
export interface RunSummary {
  readonly epochs: number;
  /** Of all epochs, chosen by the test images themselves, and so a little too kind. */
  readonly best?: number;
  readonly bestEpoch?: number;
  /** After the last epoch. */
  readonly last?: number;
  /** Generalisation gap: training less test accuracy, in the last epoch. */
  readonly gap?: number;
  /** Training and testing. */
  readonly seconds: number;
}

/** The numbers by which a run is judged. */
export function summarizeRun({ epochs }: Run): RunSummary {
  const seconds = epochs.reduce((sum, { seconds }) => sum + seconds, 0);
  const last = epochs.at(-1);
  if (!last) return { epochs: 0, seconds };
  const best = epochs.reduce((a, b) => (b.test.accuracy > a.test.accuracy ? b : a));
  return {
    epochs: epochs.length,
    best: best.test.accuracy,
    bestEpoch: best.epoch,
    last: last.test.accuracy,
    gap: last.train.accuracy - last.test.accuracy,
    seconds,
  };
}
