/** One step of `findLr`. */
export interface LrRecord {
  /** From 1. */
  readonly step: number;
  readonly steps: number;
  /** Learning rate of this step. */
  readonly lr: number;
  /** Of its batch, before its update. */
  readonly loss: number;
}

/** What a search for a learning rate found. */
export interface LrSearch {
  /** A step each: its loss as it was, and smoothed over its neighbours. */
  readonly points: readonly { readonly lr: number; readonly loss: number; readonly smoothed: number }[];
  /** A learning rate to train with; undefined where the loss did not fall clearly. */
  readonly suggestion?: number;
}

/**
 * Reads the records of `findLr`. The suggestion is the middle of the slope: the first learning rate at which the smoothed
 * loss has come half of its way down to its lowest. There it falls fast, with room to spare before it explodes. (The steepest
 * point, which others take, lies nearby, but jumps about with the noise.) There is none unless the loss has fallen by more
 * than the batches differ among themselves.
 */
export function lrSearch(records: readonly Pick<LrRecord, 'lr' | 'loss'>[]): LrSearch {
  const smoothed = smoothLosses(records.map(({ loss }) => loss));
  const points = records.map(({ lr, loss }, index) => ({ lr, loss, smoothed: smoothed[index] }));
  if (points.length <= REACH) return { points };
  const [start, lowest] = [smoothed[0], Math.min(...smoothed)];
  const wayDown = points.slice(0, smoothed.indexOf(lowest) + 1);
  const squares = wayDown.map(({ loss, smoothed }) => (loss - smoothed) ** 2);
  const spread = Math.sqrt(squares.reduce((a, b) => a + b) / squares.length);
  // Rounding makes even equal losses fall a little.
  if (start - lowest <= Math.max(spread, 1e-3 * start)) return { points };
  return { points, suggestion: wayDown.find(({ smoothed }) => smoothed <= (start + lowest) / 2)?.lr };
}

/** Steps to either side that a smoothed loss takes in. */
const REACH = 5;

/** Each loss as a mean of its neighbours, the near ones counting more; centred, so that nothing is moved to the right. */
export function smoothLosses(losses: readonly number[]): number[] {
  return losses.map((_, index) => {
    let [sum, weights] = [0, 0];
    for (let distance = -REACH; distance <= REACH; distance++) {
      const loss = losses[index + distance] as number | undefined;
      if (loss === undefined) continue;
      const weight = REACH + 1 - Math.abs(distance);
      sum += weight * loss;
      weights += weight;
    }
    return sum / weights;
  });
}
