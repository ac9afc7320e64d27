import { type BatchPoint, learningCurves, type Reference } from '../charts/curves';
import type { Html } from '../kernel/html';
import { comparedAccuracy, type EpochRecord, type History } from '../training/records';
import type { StepRecord, TestRecord, TrainRecord } from '../training/records';
import { duration } from '../util/format';
import { follow, progressBar } from './follow';

export interface WatchOptions {
  title?: string;
  /** Recorded runs, drawn dashed beside this one. */
  references?: readonly Reference[];
}

/**
 * Draws a training run while it goes on: progress, time left, learning curves; closes with the best test accuracy. Stop ends
 * the run after the current batch and keeps its history. A second Stop in the same cell, a second or more later, ends the cell
 * with an error instead.
 * @returns the records of all finished epochs, including those of earlier calls where a run goes on from its checkpoint
 */
export async function watch(run: AsyncIterable<TrainRecord>, options: WatchOptions = {}): Promise<History> {
  const epochs: EpochRecord[] = [];
  const batches: BatchPoint[] = [];
  const timeLeft = estimator();
  const started = performance.now();
  let last: TrainRecord | undefined;
  let resumable = false;
  return follow(
    run,
    learningCurves([], options),
    (record) => {
      last = record;
      if (record.type === 'test') return { progress: () => testBar(record) };
      const chart = () => learningCurves(epochs, { ...options, batches, epochs: record.epochs });
      if (record.type === 'epoch') {
        epochs.push(record);
        resumable ||= record.restored ?? false;
        // The epochs of earlier calls all come first, without training: they belong to the history even after Stop.
        return { chart, mustGoOn: record.restored };
      }
      resumable = record.resumable ?? false;
      const { loss, accuracy, images } = record;
      batches.push({ epoch: progressOf(record), loss, accuracy, images });
      const left = timeLeft(record);
      return { chart, progress: () => stepBar(record, epochs.at(-1), left) };
    },
    (isStopped) => {
      const stopped = last?.type !== 'epoch' || last.epoch < last.epochs;
      const seconds = (performance.now() - started) / 1000;
      const nothing = isStopped
        ? 'Stopped before the first batch.'
        : 'Nothing was trained: this run had ended before. Make a new one with train(…).';
      const sentence = last ? closingSentence(epochs, stopped ? last : undefined, seconds, resumable) : nothing;
      return { sentence, result: { epochs, stopped } };
    },
  );
}

/** Epochs done, as a fraction: 1.5 in the middle of the second. */
const progressOf = ({ epoch, step, steps }: StepRecord) => epoch - 1 + step / steps;

/** Steps before the first estimate, and how many of them are left out of it: the first ones are slow. */
const ESTIMATE_AFTER = 20;
const WARM_UP = 5;

/** Estimates the seconds left of the whole run; undefined while it is too early to say. */
function estimator(): (record: StepRecord) => number | undefined {
  let seen = 0;
  let from = { time: 0, progress: 0 };
  return (record) => {
    const now = { time: performance.now(), progress: progressOf(record) };
    if (++seen <= WARM_UP) from = now;
    if (seen < ESTIMATE_AFTER) return undefined;
    const secondsPerEpoch = (now.time - from.time) / 1000 / (now.progress - from.progress);
    return secondsPerEpoch * (record.epochs - now.progress);
  };
}

function stepBar(record: StepRecord, lastEpoch: EpochRecord | undefined, secondsLeft: number | undefined): Html {
  const parts = [
    `Epoch ${record.epoch} of ${record.epochs}`,
    `batch ${record.step} of ${record.steps}`,
    speed(record),
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
    ...(lastEpoch ? [`last test accuracy ${percent(lastEpoch.test.accuracy)}`] : []),
  ];
  return progressBar(progressOf(record), record.epochs, parts);
}

function testBar({ epoch, epochs, batch, batches }: TestRecord): Html {
  const epochOf = `Epoch ${epoch} of ${epochs}`;
  return progressBar(epoch, epochs, [epochOf, `evaluating on the test images, batch ${batch} of ${batches}`]);
}

/** “Done! Max accuracy = …”, as the original course says it. */
function closingSentence(
  epochs: readonly EpochRecord[],
  stoppedAt: TrainRecord | undefined,
  seconds: number,
  resumable: boolean,
): string {
  const goOn = stoppedAt && resumable ? ' Run the cell again to continue from here.' : '';
  const start = stoppedAt ? `Stopped in epoch ${stoppedAt.epoch} of ${stoppedAt.epochs}.` : 'Done!';
  const last = epochs.at(-1);
  if (!last) return `${start} No epoch was finished, so there is no test accuracy yet.${goOn}`;
  const best = epochs.reduce((best, epoch) => (comparedAccuracy(epoch) > comparedAccuracy(best) ? epoch : best));
  const accuracy =
    (best.bestBy === 'validation' ? 'Chosen by the validation images: ' : 'Max accuracy = ') +
    percent(best.test.accuracy);
  return (
    `${start} ${accuracy} on the test images (epoch ${best.epoch}), ` +
    `after the last epoch ${percent(last.test.accuracy)}. ${amountOfWork(epochs, seconds)}${goOn}`
  );
}

/** The time is that of this call: epochs of earlier calls are counted separately. */
function amountOfWork(epochs: readonly EpochRecord[], seconds: number): string {
  const restored = epochs.filter((epoch) => epoch.restored).length;
  const now = `${count(epochs.length - restored)} in ${duration(seconds)}, ${speed(epochs[epochs.length - 1])}`;
  if (restored === 0) return `${now}.`;
  if (restored === epochs.length) return `${count(restored)}, trained earlier.`;
  return `${count(restored)} trained earlier, ${now}.`;
}

const count = (epochs: number) => `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`;

const speed = ({ imagesPerSecond }: StepRecord | EpochRecord) =>
  `${Math.round(imagesPerSecond).toLocaleString('en')} images/s`;

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
