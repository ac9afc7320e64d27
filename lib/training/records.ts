// What a training tells while it runs, and how far it is.
import type { NamedParameter } from '../models/stateDict';

/** Mean loss and accuracy (0 to 1) over a set of images. */
export interface Metrics {
  loss: number;
  accuracy: number;
}

/** After each training step. */
export interface StepRecord {
  type: 'step';
  /** From 1. */
  epoch: number;
  epochs: number;
  /** From 1, in the epoch. */
  step: number;
  steps: number;
  /** Loss on this batch, before the update. */
  loss: number;
  /** Accuracy on this batch, before the update. */
  accuracy: number;
  /** Learning rate of this step. */
  lr: number;
  /** Images in this batch: the last one of an epoch may have fewer. */
  images?: number;
  imagesPerSecond: number;
  /** Whether the run is saved: the same call, made again after it was ended, goes on. */
  resumable?: boolean;
}

/** After the last step of an epoch, for each batch of test or validation images. */
export interface TestRecord {
  type: 'test';
  /** From 1. */
  epoch: number;
  epochs: number;
  /** From 1, over all images that are classified after an epoch. */
  batch: number;
  batches: number;
}

/** After each epoch: every training image was seen once, then the test images were classified. */
export interface EpochRecord {
  type: 'epoch';
  /** From 1. */
  epoch: number;
  epochs: number;
  /** Running means while training; dropout is on. */
  train: Metrics;
  test: Metrics;
  validation?: Metrics;
  /** Which images choose the best epoch: the validation images where there are some, else, as in the original, the test images. */
  bestBy: 'validation' | 'test';
  /** Learning rate of the last step. */
  lr: number;
  /** Training and testing. */
  seconds: number;
  /** While training. */
  imagesPerSecond: number;
  /** Whether it comes from a checkpoint: the epoch was trained by an earlier call. */
  restored?: boolean;
}

export type TrainRecord = StepRecord | TestRecord | EpochRecord;

/** What a training leaves behind. */
export interface History {
  readonly epochs: readonly EpochRecord[];
  /** Whether it was ended before its last epoch. */
  readonly stopped: boolean;
}

/** Sums over the batches of an epoch. Plain numbers: a checkpoint keeps them. */
export interface RunningMetrics {
  readonly loss: number;
  readonly correct: number;
  readonly images: number;
  readonly batches: number;
  /** Spent on these batches. */
  readonly seconds: number;
}

export const emptyMetrics = (): RunningMetrics => ({ loss: 0, correct: 0, images: 0, batches: 0, seconds: 0 });

export const updateMetrics = (
  sums: RunningMetrics,
  batch: { loss: number; correct: number; size: number; seconds: number },
): RunningMetrics => ({
  loss: sums.loss + batch.loss,
  correct: sums.correct + batch.correct,
  images: sums.images + batch.size,
  batches: sums.batches + 1,
  seconds: sums.seconds + batch.seconds,
});

/** Loss: the plain mean over the batches, a smaller last one counting as much, as the original logs it; accuracy over the images. */
export const computeMetrics = ({ loss, correct, images, batches }: RunningMetrics): Metrics => ({
  loss: loss / batches,
  accuracy: correct / images,
});

export const imagesPerSecond = ({ images, seconds }: RunningMetrics): number => images / seconds;

/** How far a run is. With the weights, the optimizer's state, data and options, all that its future depends on. */
export interface TrainerState {
  /** The current epoch, from 1; one more than there are when the run is over. */
  readonly epoch: number;
  /** Steps done in it. When all are, its test is still to come. */
  readonly step: number;
  /** Metrics accumulated over those steps. */
  readonly metrics: RunningMetrics;
  /** Records of the finished epochs. */
  readonly history: readonly EpochRecord[];
}

export const initialState: TrainerState = { epoch: 1, step: 0, metrics: emptyMetrics(), history: [] };

export const afterStep = (state: TrainerState, metrics: RunningMetrics): TrainerState => ({
  ...state,
  step: state.step + 1,
  metrics,
});

export const afterEpoch = ({ epoch, history }: TrainerState, record: EpochRecord): TrainerState => ({
  epoch: epoch + 1,
  step: 0,
  metrics: emptyMetrics(),
  history: [...history, record],
});

/** The accuracy by which epochs are compared (see `bestBy`). */
export const comparedAccuracy = ({ bestBy, validation, test }: EpochRecord): number =>
  (bestBy === 'validation' && validation ? validation : test).accuracy;

/** A run between its first record and its end, as who saves it sees it. */
export interface OpenRun {
  /** What the optimizer remembers of each parameter. */
  readonly optimizerState: readonly NamedParameter[];
  /** How far the run is. */
  state(this: void): TrainerState;
  /** Copies what the compiled steps have come to into the model's and the optimizer's variables. */
  sync(this: void): void;
}

/** What may stand beside a training, such as checkpoints. */
export interface TrainingHooks {
  /** Ends the run after the current batch, as the run's own signal does. */
  readonly signal?: AbortSignal;
  /** Before the first step: may load arrays, and returns the state to go on from. */
  onOpen(this: void, run: OpenRun): TrainerState | undefined;
  /** After the last step, unless an error left the weights in pieces. */
  onClose(this: void, run: OpenRun): void;
}

/** The loss is NaN or infinite. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
  /**
   * @param finding what was seen, and what to try
   * @param remedy how to get good weights, as a part of a sentence
   */
  constructor(
    readonly finding: string,
    remedy = 'the model holds no good weights any more: make a new one',
  ) {
    super(`${finding}; ${remedy}.`);
  }
}
