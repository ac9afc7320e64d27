// A training that has a name: what was chosen, and what came of it.
import { trainRules } from '../training/options';
import type { EpochRecord, History } from '../training/records';

/** An epoch of a run, as it is kept. */
export type RunEpoch = Pick<EpochRecord, 'epoch' | 'train' | 'test' | 'validation' | 'bestBy' | 'seconds'>;

/** One value, for a table or a file. */
export type Cell = string | number | boolean | null;

/** Plain data: it is the same after it was saved and loaded. */
export interface Run {
  readonly name: string;
  /** What was chosen, flat: an optimizer is its name and its hyperparameters, a function its text. */
  readonly options: Readonly<Record<string, Cell>>;
  /** Of the network. */
  readonly parameters?: number;
  readonly trainingImages?: number;
  /** Of all finished epochs; none where it was stopped before. */
  readonly epochs: readonly RunEpoch[];
}

/**
 * Gives a training a name, so that it can be compared, saved and exported.
 *
 *     const history = await watch(train(model, data, options));
 *     const run = createRun('no augmentation', options, history, { parameters: model.countParams() });
 *
 * @param options those of `train`, and whatever else tells runs apart: `{ ...options, widths: [64, 128, 256] }`
 * @throws RangeError when the name is empty, or a number of `facts` is none
 */
export function createRun(
  name: string,
  options: object,
  { epochs }: Pick<History, 'epochs'>,
  facts: Pick<Run, 'parameters' | 'trainingImages'> = {},
): Run {
  if (typeof name !== 'string' || name.trim() === '') {
    throw new RangeError(`The name of a run is ${JSON.stringify(name)}; expected a text, such as 'no augmentation'.`);
  }
  const wrong = Object.entries(facts).find(([, value]) => !Number.isSafeInteger(value));
  if (wrong) throw new RangeError(`createRun: ${wrong[0]} is ${String(wrong[1])}; expected an integer.`);
  const kept = epochs.map(({ epoch, train, test, validation, bestBy, seconds }) => ({
    ...{ epoch, train, test, ...(validation && { validation }), ...(bestBy && { bestBy }), seconds },
  }));
  return { name, options: flatten(options), ...facts, epochs: kept };
}

/** Options as a table shows them: of parts their hyperparameters, of functions the text that they read as. */
export function flatten(options: object, prefix = ''): Record<string, Cell> {
  const entries = Object.entries(options).flatMap(([key, value]: [string, unknown]): [string, Cell][] => {
    const name = prefix + key;
    if (value === undefined || value instanceof AbortSignal) return [];
    if (name === 'optimizer' && typeof value === 'object') return optimizerCells(value as Part | readonly Group[]);
    if (Array.isArray(value)) return [[name, (value as Cell[]).map(textOf).join(', ')]];
    if (typeof value === 'object' && value !== null) return Object.entries(flatten(value, `${name}.`));
    return [[name, typeof value === 'function' ? textOf(value) : (value as Cell)]];
  });
  return Object.fromEntries(entries);
}

type Part = { readonly name: string; readonly hyperparameters: Readonly<Record<string, unknown>> };
type Group = { readonly use: Part };

function optimizerCells(optimizer: Part | readonly Group[]): [string, Cell][] {
  if ('hyperparameters' in optimizer) {
    return [['optimizer', optimizer.name], ...Object.entries(flatten(optimizer.hyperparameters))];
  }
  const groups = optimizer.map(({ use }, index) => flatten(use.hyperparameters, `group ${index + 1}: `));
  return [['optimizer', optimizer.map(({ use }) => use.name).join(', ')], ...groups.flatMap(Object.entries<Cell>)];
}

const textOf = (value: Cell | object): string => (typeof value === 'object' ? JSON.stringify(value) : `${value}`);

/** The names of the options that not all runs have the same value of; what was left out has the default of `train`. */
export function differingOptions(runs: readonly Run[]): string[] {
  const all = runs.map((run) => optionsOf(run, runs));
  const names = [...new Set(all.flatMap(Object.keys))].filter((name) => name !== 'epochs'); // their number is a result
  return names.filter((name) => new Set(all.map((options) => options[name] ?? null)).size > 1);
}

/** A run's options, with the defaults of `train` for those that another of the runs names. */
export function optionsOf({ options }: Run, runs: readonly Run[]): Run['options'] {
  const named = new Set(runs.flatMap((run) => Object.keys(run.options)));
  const { optimizer, ...rest } = Object.fromEntries(
    Object.entries(trainRules).map(([name, rule]) => [name, rule.default]),
  );
  const defaults = flatten('optimizer' in options ? rest : { optimizer, ...rest });
  return { ...Object.fromEntries(Object.entries(defaults).filter(([name]) => named.has(name))), ...options };
}

/** What a run came to; accuracies from 0 to 1. Undefined where it has no epoch. */
export interface RunSummary {
  readonly epochs: number;
  /**
   * Test accuracy in the best epoch: chosen by the validation images, or, where there were none, by the test images
   * themselves, hence optimistically biased.
   */
  readonly best?: number;
  readonly bestEpoch?: number;
  /** After the last epoch. */
  readonly last?: number;
  /** Generalization gap: training less test accuracy, in the last epoch. */
  readonly gap?: number;
  /** Training and testing. */
  readonly seconds: number;
}

/** The numbers by which a run is judged. */
export function summarizeRun({ epochs }: Run): RunSummary {
  const seconds = epochs.reduce((sum, { seconds }) => sum + seconds, 0);
  const last = epochs.at(-1);
  if (!last) return { epochs: 0, seconds };
  const compared = ({ bestBy, validation, test }: RunEpoch) =>
    (bestBy === 'validation' ? (validation ?? test) : test).accuracy;
  const best = epochs.reduce((a, b) => (compared(b) > compared(a) ? b : a));
  return {
    ...{ epochs: epochs.length, seconds, best: best.test.accuracy, bestEpoch: best.epoch },
    ...{ last: last.test.accuracy, gap: last.train.accuracy - last.test.accuracy },
  };
}
