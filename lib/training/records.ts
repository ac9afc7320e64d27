/** Mean loss (cross entropy, in nats) and accuracy (0 to 1) over a set of images. */
export interface Metrics {
  loss: number;
  accuracy: number;
}

/** One step: a batch was learned from. */
export interface StepRecord {
  type: 'step';
  /** From 1. */
  epoch: number;
  epochs: number;
  /** From 1, in the epoch. */
  step: number;
  steps: number;
  /** Of this batch, before its update. */
  loss: number;
  accuracy: number;
  /** Learning rate of this step. */
  lr: number;
  imagesPerSecond: number;
  /** Whether the run saves itself: the same call, made again after it was ended, goes on. */
  resumable?: boolean;
}

/** After the last step of an epoch: a batch of the test (or validation) images was classified. */
export interface TestRecord {
  type: 'test';
  /** From 1. */
  epoch: number;
  epochs: number;
  /** From 1, over all images that are classified after an epoch. */
  batch: number;
  batches: number;
}

/** One epoch: every training image was seen once, then the test images were classified. */
export interface EpochRecord {
  type: 'epoch';
  /** From 1. */
  epoch: number;
  epochs: number;
  /** Running means while training; dropout is on. */
  train: Metrics;
  test: Metrics;
  validation?: Metrics;
  /** Learning rate of the last step. */
  lr: number;
  seconds: number;
  /** While training. */
  imagesPerSecond: number;
  /** Whether it comes from a checkpoint: the epoch was trained by an earlier call. */
  restored?: boolean;
}

export type TrainRecord = StepRecord | TestRecord | EpochRecord;

/** What a training run leaves behind. */
export interface History {
  readonly epochs: readonly EpochRecord[];
  /** Whether it was ended before its last epoch. */
  readonly stopped: boolean;
}
