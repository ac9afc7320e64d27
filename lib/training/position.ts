import type { EpochRecord } from './records';
import { emptyMetrics, type RunningMetrics } from './tally';

/** How far a run is. With weights, velocities, data and options, all that its future depends on. */
export interface TrainerState {
  /** The epoch that goes on, from 1; one more than there are when the run is over. */
  readonly epoch: number;
  /** Steps done in it. When all are, its test is still to come. */
  readonly step: number;
  /** Of those steps. */
  readonly tally: RunningMetrics;
  /** Of the epochs before. */
  readonly history: readonly EpochRecord[];
}

export const initialState: TrainerState = { epoch: 1, step: 0, tally: emptyMetrics(), history: [] };

export const afterStep = (position: TrainerState, tally: RunningMetrics): TrainerState => ({
  ...position,
  step: position.step + 1,
  tally,
});

export const afterEpoch = ({ epoch, history }: TrainerState, record: EpochRecord): TrainerState => ({
  epoch: epoch + 1,
  step: 0,
  tally: emptyMetrics(),
  history: [...history, record],
});

/** What the best is chosen by: the newest epoch's accuracy on the validation images or, where there are none, the test images. */
export function judgedAccuracy({ history }: TrainerState): number | undefined {
  const last = history.at(-1);
  return last && (last.validation ?? last.test).accuracy;
}
