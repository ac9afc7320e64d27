import type { Score } from './records';

/** Sums over the batches of an epoch, as the PyTorch original logs them. */
export interface Tally {
  add(batch: { loss: number; correct: number; size: number }): void;
  /** Loss: the plain mean over the batches, the smaller last one counting as much; accuracy over the images. */
  score(): Score;
  imagesPerSecond(): number;
  /** Since the tally was begun. */
  seconds(): number;
}

export function startTally(): Tally {
  const started = performance.now();
  let [loss, correct, images, batches, learned] = [0, 0, 0, 0, started];
  return {
    add(batch) {
      loss += batch.loss;
      correct += batch.correct;
      images += batch.size;
      batches++;
      learned = performance.now();
    },
    score: () => ({ loss: loss / batches, accuracy: correct / images }),
    imagesPerSecond: () => images / ((learned - started) / 1000),
    seconds: () => (performance.now() - started) / 1000,
  };
}
