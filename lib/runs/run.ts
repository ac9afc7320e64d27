import type { EpochRecord, History } from '../training/records';

/** An epoch of a run, as it is kept. */
export type RunEpoch = Pick<EpochRecord, 'epoch' | 'train' | 'test' | 'validation' | 'seconds'>;

/** A training that has a name: what was chosen, and what came of it. Plain data. */
export interface Run {
  readonly name: string;
  /** Whatever was chosen for it, such as the options of `train`; a schedule is its text. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Of all finished epochs; none, where it was stopped before. */
  readonly epochs: readonly RunEpoch[];
}

/** Options of `train` that have no part in how a run goes. */
const LEFT_OUT = ['signal', 'checkpoint', 'tensorboard'];

/**
 * Gives a training a name, so that it can be compared, saved and exported.
 *
 *     const history = await watch(train(model, data, options));
 *     const run = namedRun('no augmentation', options, history);
 *
 * @param options those of `train`, and whatever else tells runs apart: `{ ...options, widths: [64, 128, 256] }`
 * @throws RangeError when the name is empty
 */
export function createRun(
  name: string,
  options: Readonly<Record<string, unknown>> | object,
  { epochs }: Pick<History, 'epochs'>,
): Run {
  if (typeof name !== 'string' || name.trim() === '') {
    throw new RangeError(`The name of a run is ${JSON.stringify(name)}; expected a text, such as 'no augmentation'.`);
  }
  return {
    name,
    options: plain(Object.entries(options).filter(([key]) => !LEFT_OUT.includes(key))),
    epochs: epochs.map(({ epoch, train, test, validation, seconds }) => ({
      epoch,
      train,
      test,
      ...(validation && { validation }),
      seconds,
    })),
  };
}

/** What JSON can hold of it, so that a run is the same after it was saved and loaded. */
function plain(entries: [string, unknown][]): Record<string, unknown> {
  const text = JSON.stringify(Object.fromEntries(entries), (_, value: unknown) =>
    typeof value === 'function' ? String(value) : value,
  );
  return JSON.parse(text) as Record<string, unknown>;
}
