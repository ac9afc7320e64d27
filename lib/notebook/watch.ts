import { setImmediate as nextTurn } from 'node:timers/promises';
import { BatchPoint, learningCurves, Reference } from '../charts/curves';
import { duration } from '../util/duration';
import type { EpochRecord, History, StepRecord, TestRecord, TrainRecord } from '../training/records';
import { live } from '../kernel/display';
import { interruptible } from '../kernel/interruptible';
import { html, Html } from '../kernel/mimeBundle';

export interface WatchOptions {
  title?: string;
  /** Recorded runs, drawn dashed beside this one. */
  references?: readonly Reference[];
}

/**
 * Draws a training run while it goes on: how far it is, how long it will take, the learning curves; closes with the best
 * test accuracy. Stop ends the run after the current batch, and gives what there is; Stop again, a second or more later, gives
 * the cell an error instead.
 * @returns the records of all finished epochs, those of earlier calls included where a run goes on from its checkpoint
 */
export async function watch(run: AsyncIterable<TrainRecord>, options: WatchOptions = {}): Promise<History> {
  return interruptible(async (stop) => {
    const progress = live(html`<div>Starting…</div>`);
    const chart = live(learningCurves([], options));
    const epochs: EpochRecord[] = [];
    const batches: BatchPoint[] = [];
    const timeLeft = estimator();
    const started = performance.now();
    let last: TrainRecord | undefined;
    let resumable = false;
    stop.addEventListener('abort', () => {
      progress.update(html`<div>Stopping, as soon as the current batch is done …</div>`);
      progress.flush();
    });
    try {
      for await (const record of run) {
        last = record;
        // Epochs of earlier calls come first, at once: all of them belong to the history, and the next call has them, too.
        const isRestored = record.type === 'epoch' && record.restored === true;
        resumable ||= isRestored;
        if (record.type === 'epoch') epochs.push(record);
        else if (record.type === 'test') progress.update(() => testBar(record));
        else {
          resumable = record.resumable ?? false;
          const left = timeLeft(record);
          batches.push({ epoch: progressOf(record), loss: record.loss, accuracy: record.accuracy });
          progress.update(() => progressBar(record, epochs.at(-1), left));
        }
        if (record.type !== 'test') {
          chart.update(() => learningCurves(epochs, { ...options, batches, epochs: record.epochs }));
        }
        // Lets messages out, and Stop in.
        await nextTurn();
        if (stop.aborted && !isRestored) break;
      }
    } finally {
      chart.flush();
      progress.flush();
    }
    const stopped = last?.type !== 'epoch' || last.epoch < last.epochs;
    const seconds = (performance.now() - started) / 1000;
    const nothing = stop.aborted
      ? 'Stopped before the first batch.'
      : 'Nothing was trained: this run had ended before. Run the cell again that makes it, with train(…).';
    const sentence = last ? closingSentence(epochs, stopped ? last : undefined, seconds, resumable) : nothing;
    progress.update(html`<div>${sentence}</div>`);
    progress.flush();
    return { epochs, stopped };
  });
}

/** Epochs done, as a fraction: 1.5 in the middle of the second. */
const progressOf = ({ epoch, step, steps }: StepRecord) => epoch - 1 + step / steps;

/** Steps until the time left is told, and those of them that don't count: the first ones are slow. */
const ESTIMATE_AFTER = 20;
const WARM_UP = 5;

/** Tells the seconds left of the whole run, or undefined while it is too early to say. */
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

function progressBar(record: StepRecord, lastEpoch: EpochRecord | undefined, secondsLeft: number | undefined): Html {
  const parts = [
    `Epoch ${record.epoch} of ${record.epochs}`,
    `batch ${record.step} of ${record.steps}`,
    speed(record),
    ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
    ...(lastEpoch ? [`last test accuracy ${percent(lastEpoch.test.accuracy)}`] : []),
  ];
  return bar(progressOf(record), record.epochs, parts);
}

function testBar({ epoch, epochs, batch, batches }: TestRecord): Html {
  const epochOf = `Epoch ${epoch} of ${epochs}`;
  return bar(epoch, epochs, [epochOf, `how good is it on the test images? batch ${batch} of ${batches}`]);
}

const bar = (value: number, max: number, parts: string[]): Html =>
  html`<div>
    <progress max="${max}" value="${value}" style="width: 100%; height: 1.2em"></progress>
    <div>${parts.join(' · ')}</div>
  </div>`;

/** In the words that the course knows: “Done! Max accuracy = …”. */
function closingSentence(
  epochs: readonly EpochRecord[],
  stoppedAt: TrainRecord | undefined,
  seconds: number,
  resumable: boolean,
): string {
  const goOn = stoppedAt && resumable ? ' Run the cell again, and it goes on from here.' : '';
  const start = stoppedAt ? `Stopped in epoch ${stoppedAt.epoch} of ${stoppedAt.epochs}.` : 'Done!';
  const last = epochs.at(-1);
  if (!last) return `${start} No epoch was finished, so there is no test accuracy yet.${goOn}`;
  const best = epochs.reduce((best, epoch) => (epoch.test.accuracy > best.test.accuracy ? epoch : best));
  return (
    `${start} Max accuracy = ${percent(best.test.accuracy)} on the test images (epoch ${best.epoch}), ` +
    `after the last epoch ${percent(last.test.accuracy)}. ${amountOfWork(epochs, seconds)}${goOn}`
  );
}

/** Epochs of earlier calls took their time there. */
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
