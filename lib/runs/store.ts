// Runs that outlive the kernel: one JSON file each.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reference } from '../charts/curves';
import { namesIn, writeFileSafely } from '../util/atomicFile';
import { inspectValue } from '../util/options';
import { PROJECT_DATA } from '../util/paths';
import { flatten, type Run, type RunEpoch } from './run';

export interface RunsOptions {
  /** The folder. Default: what CIFAR10_RUNS names, else the project's `data/runs`. */
  readonly dir?: string;
  /** Takes a line for each file that holds no run. Default: `console.warn`. */
  readonly onMessage?: (line: string) => void;
}

const ownRuns = (): string => process.env.CIFAR10_RUNS || join(PROJECT_DATA, 'runs');

/**
 * Saves a run, in place of an earlier one of the same name. The file is there in full or not at all.
 * @returns the file
 * @throws RangeError when `loadRuns` would not take it, such as a loss that is NaN; SaveError when it can't be written
 */
export function saveRun({ epochs, ...run }: Run, { dir = ownRuns() }: Pick<RunsOptions, 'dir'> = {}): string {
  const text = JSON.stringify({ ...run, history: epochs }, null, 1);
  try {
    readRun(JSON.parse(text));
  } catch (error) {
    throw new RangeError(
      `The run “${run.name}” can't be saved: ${(error as Error).message}. A file can't hold NaN: leave such epochs out.`,
      { cause: error },
    );
  }
  const file = join(dir, fileName(run.name));
  writeFileSafely(file, [Buffer.from(`${text}\n`)]);
  return file;
}

/**
 * All runs that were saved in a folder, in the order of their names; none where there is no folder. A file that is damaged or
 * holds something else is named, and left out.
 * @throws Error when the folder is a file
 */
export const loadRuns = ({ dir = ownRuns(), onMessage }: RunsOptions = {}): Run[] =>
  readFolder(dir, onMessage).map(({ run }) => run);

/** The experiments of the course, in the order of its story. */
const STORY = ['linear', 'shallow', 'augmented', 'deep'];

/**
 * The runs of 100 epochs that come with the project (`npm run reproduce` records them), in the order of the story: `linear`,
 * `shallow`, `augmented`, `deep`, as far as they are recorded.
 * @param experiments which of them. Default: all
 */
export function recordedRuns(
  experiments?: readonly string[],
  { dir = join(PROJECT_DATA, 'results'), onMessage }: RunsOptions = {},
): Run[] {
  const place = ({ experiment = '' }: RunFile) =>
    STORY.includes(experiment) ? STORY.indexOf(experiment) : STORY.length;
  return readFolder(dir, onMessage)
    .filter(({ experiment = '' }) => !experiments || experiments.includes(experiment))
    .sort((a, b) => place(a) - place(b))
    .map(({ run }) => run);
}

/** The recorded runs of an experiment, to be drawn beside others: `watch(…, { references: recordedRun('linear') })`. */
export const recordedRun = (experiment: string, options: RunsOptions = {}): Reference[] =>
  recordedRuns([experiment], options).map(({ name, epochs }) => ({ name, points: epochs }));

/** Readable, and another one for each name, whatever is in it. */
function fileName(name: string): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${[...words.join('-').slice(0, 60).split('-').filter(Boolean), hash].join('-')}.json`;
}

interface RunFile {
  readonly run: Run;
  /** Of those that `npm run reproduce` recorded. */
  readonly experiment?: string;
}

/** The runs in a folder, in the order of their names. */
function readFolder(dir: string, onMessage: (line: string) => void = console.warn): RunFile[] {
  const files = namesIn(dir)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name): RunFile[] => {
      try {
        return [readRun(JSON.parse(readFileSync(join(dir, name), 'utf8')))];
      } catch (error) {
        onMessage(`${join(dir, name)} holds no run and was left out: ${(error as Error).message}.`);
        return [];
      }
    });
  return files.sort((a, b) => (a.run.name < b.run.name ? -1 : 1));
}

/** @throws Error saying what is wrong with it */
function readRun(content: unknown): RunFile {
  const { name, experiment, seed, options, history, parameters, trainingImages } = (content ?? {}) as Record<
    string,
    unknown
  >;
  if (!Array.isArray(history)) throw new Error('there is no list history');
  if (typeof options !== 'object' || options === null) throw new Error('there are no options');
  const epochs = history.map(readEpoch);
  const facts = Object.fromEntries(
    Object.entries({ parameters, trainingImages }).filter(([, value]) => Number.isFinite(value)),
  );
  const chosen = flatten(inNewWords(options));
  if (typeof name === 'string') return { run: { name, options: chosen, ...facts, epochs } };
  if (typeof experiment !== 'string') throw new Error('there is no name');
  const label = `${experiment} (recorded${typeof seed === 'number' && seed > 0 ? `, seed ${seed}` : ''})`;
  return { run: { name: label, options: { ...chosen, ...flatten({ seed }) }, ...facts, epochs }, experiment };
}

/** Earlier files have crop and flip in place of a list of augmentations. */
function inNewWords({ augment, ...options }: { readonly augment?: unknown }): object {
  if (typeof augment !== 'object' || augment === null) return { ...options, augment };
  const { crop, flip } = augment as { crop?: number; flip?: boolean };
  return { ...options, augment: [...(crop ? [`randomCrop(${crop})`] : []), ...(flip ? ['randomFlip()'] : [])] };
}

function readEpoch(value: unknown, index: number): RunEpoch {
  const { epoch, train, test, validation, bestBy, seconds } = (value ?? {}) as RunEpoch;
  const parts = Object.entries({ train, test, ...(validation && { validation }) });
  const metrics = parts.flatMap(([name, part]): [string, unknown][] => [
    [`${name}.loss`, part?.loss],
    [`${name}.accuracy`, part?.accuracy],
  ]);
  const wrong = [['epoch', epoch], ['seconds', seconds], ...metrics].find(([, number]) => !Number.isFinite(number));
  if (wrong) throw new Error(`${wrong[0]} of entry ${index + 1} is ${inspectValue(wrong[1])}; expected a number`);
  return { epoch, train, test, ...(validation && { validation }), bestBy: bestBy ?? 'test', seconds };
}
