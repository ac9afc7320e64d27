// Runs that outlive the kernel: one JSON file each.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn, writeFileSafely } from '../util/atomicFile';
import { PROJECT_DATA } from '../util/paths';
import type { Reference } from '../charts/curves';
import type { Run, RunEpoch } from './run';

const OWN = join(PROJECT_DATA, 'runs');
const RECORDED = join(PROJECT_DATA, 'results');

export interface SaveOptions {
  /** The folder. Default: the project's `data/runs`. */
  dir?: string;
}

export interface LoadRunsOptions extends SaveOptions {
  /** Takes a line for each file that holds no run; `console.warn` if left out. */
  onMessage?: (line: string) => void;
}

/**
 * Saves a run, in place of an earlier one of the same name. The file is there in full or not at all.
 * @returns the file
 * @throws RangeError when `loadRuns` would not take it, such as a loss that is NaN; SaveError when it can't be written
 */
export function saveRun({ name, options, epochs }: Run, { dir = OWN }: SaveOptions = {}): string {
  const text = JSON.stringify({ name, options, history: epochs }, null, 1);
  try {
    asRun(JSON.parse(text));
  } catch (error) {
    throw new RangeError(
      `The run “${name}” can't be saved: ${(error as Error).message}. A file can't hold NaN: leave such epochs out.`,
      { cause: error },
    );
  }
  const file = join(dir, fileName(name));
  writeFileSafely(file, [Buffer.from(`${text}\n`)]);
  return file;
}

/**
 * All runs that were saved in a folder, in the order of their names; none, where there is no folder. A file that is damaged or
 * holds something else is named, and left out.
 * @throws Error when the folder is a file
 */
export function loadRuns({ dir = OWN, onMessage }: LoadRunsOptions = {}): Run[] {
  return readFolder(dir, onMessage).map(({ run }) => run);
}

/** The experiments of the course, in the order of its story. */
const STORY = ['linear', 'shallow', 'augmented', 'deep'];

/**
 * The runs of 100 epochs that come with the project (`npm run reproduce` records them), in the order of the story: `linear`,
 * `shallow`, `augmented`, `deep`, as far as they are recorded.
 * @param experiments which of them. Default: all
 */
export function recordedRuns(
  experiments?: readonly string[],
  { dir = RECORDED, onMessage }: LoadRunsOptions = {},
): Run[] {
  const place = ({ experiment = '' }: RunFile) => {
    const index = STORY.indexOf(experiment);
    return index < 0 ? STORY.length : index;
  };
  return readFolder(dir, onMessage)
    .filter(({ experiment = '' }) => !experiments || experiments.includes(experiment))
    .sort((a, b) => place(a) - place(b))
    .map(({ run }) => run);
}

/**
 * The recorded runs of an experiment, to be drawn beside others: `watch(…, { references: recordedRun('linear') })`. None,
 * where it is not recorded.
 */
export function recordedRun(experiment: string, options: LoadRunsOptions = {}): Reference[] {
  return recordedRuns([experiment], options).map(({ name, epochs }) => ({ name, points: epochs }));
}

/** Readable, and another one for each name, whatever is in it. */
function fileName(name: string): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${[...words.join('-').slice(0, 60).split('-').filter(Boolean), hash].join('-')}.json`;
}

// What is in a file

interface RunFile {
  readonly run: Run;
  /** Of those that `npm run reproduce` recorded. */
  readonly experiment?: string;
}

/** What holds a run in a folder, in the order of the names. */
function readFolder(dir: string, onMessage: (line: string) => void = console.warn): RunFile[] {
  const files = namesIn(dir)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name): RunFile[] => {
      try {
        return [asRun(JSON.parse(readFileSync(join(dir, name), 'utf8')))];
      } catch (error) {
        onMessage(`${join(dir, name)} holds no run and was left out: ${(error as Error).message}.`);
        return [];
      }
    });
  return files.sort((a, b) => (a.run.name < b.run.name ? -1 : 1));
}

/** @throws Error saying what is wrong with it */
function asRun(content: unknown): RunFile {
  const file = record(content, 'the content');
  const { name, experiment, seed, history } = file;
  if (!Array.isArray(history)) throw new Error('there is no list history');
  const epochs = history.map((epoch, index) => asEpoch(epoch, index + 1));
  const options = record(file.options, 'options');
  if (typeof name === 'string') return { run: { name, options, epochs } };
  if (typeof experiment !== 'string') throw new Error('there is no name');
  const label = `${experiment} (recorded${typeof seed === 'number' && seed > 0 ? `, seed ${seed}` : ''})`;
  return { run: { name: label, options: { ...options, seed }, epochs }, experiment };
}

function asEpoch(value: unknown, place: number): RunEpoch {
  const { epoch, train, test, validation, seconds } = record(value, `entry ${place} of history`);
  return {
    epoch: number(epoch, `epoch of entry ${place}`),
    train: asScore(train, `train of entry ${place}`),
    test: asScore(test, `test of entry ${place}`),
    ...(validation !== undefined && { validation: asScore(validation, `validation of entry ${place}`) }),
    seconds: number(seconds, `seconds of entry ${place}`),
  };
}

function asScore(value: unknown, what: string): RunEpoch['test'] {
  const { loss, accuracy } = record(value, what);
  return { loss: number(loss, `loss of ${what}`), accuracy: number(accuracy, `accuracy of ${what}`) };
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${what} is ${value === undefined ? 'missing' : 'no object'}`);
}

function number(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Error(`${what} is ${value === undefined ? 'missing' : 'no number'}`);
}
