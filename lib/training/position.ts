import type { EpochRecord } from './records';
import { emptyTally, type Tally } from './tally';

/** How far a run is. With weights, velocities, data and options, all that its future depends on. */
export interface Position {
  /** The epoch that goes on, from 1; one more than there are when the run is over. */
  readonly epoch: number;
  /** Steps done in it. When all are, its test is still to come. */
  readonly step: number;
  /** Of those steps. */
  readonly tally: Tally;
  /** Of the epochs before. */
  readonly history: readonly EpochRecord[];
}

export const startOfRun: Position = { epoch: 1, step: 0, tally: emptyTally(), history: [] };

export const afterStep = (position: Position, tally: Tally): Position => ({
  ...position,
  step: position.step + 1,
  tally,
});

export const afterEpoch = ({ epoch, history }: Position, record: EpochRecord): Position => ({
  epoch: epoch + 1,
  step: 0,
  tally: emptyTally(),
  history: [...history, record],
});

/** What the best is chosen by: the newest epoch's accuracy on the validation images or, where there are none, the test images. */
export function judgedAccuracy({ history }: Position): number | undefined {
  const last = history.at(-1);
  return last && (last.validation ?? last.test).accuracy;
}
