import type { Metrics } from './records';

/** Sums over the batches of an epoch, as the PyTorch original logs them. Plain numbers: a checkpoint keeps them. */
export interface RunningMetrics {
  loss: number;
  correct: number;
  images: number;
  batches: number;
  /** Spent on these batches. */
  seconds: number;
}

export const emptyMetrics = (): RunningMetrics => ({ loss: 0, correct: 0, images: 0, batches: 0, seconds: 0 });

/** The tally with one batch more. */
export const updateMetrics = (
  tally: RunningMetrics,
  batch: { loss: number; correct: number; size: number; seconds: number },
): RunningMetrics => ({
  loss: tally.loss + batch.loss,
  correct: tally.correct + batch.correct,
  images: tally.images + batch.size,
  batches: tally.batches + 1,
  seconds: tally.seconds + batch.seconds,
});

/** Loss: the plain mean over the batches, the smaller last one counting as much; accuracy over the images. */
export const computeMetrics = ({ loss, correct, images, batches }: RunningMetrics): Metrics => ({
  loss: loss / batches,
  accuracy: correct / images,
});

export const imagesPerSecond = ({ images, seconds }: RunningMetrics): number => images / seconds;
