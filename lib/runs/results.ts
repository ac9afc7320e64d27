// The table of results that grows from notebook to notebook.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileSafely } from '../util/atomicFile';
import { PROJECT_DATA } from '../util/paths';
import { inspectValue } from '../util/options';
import type { History } from '../training/records';

/** A row of the table, its keys the titles of the columns: accuracies in percent, on the run's own images. */
export interface ResultRow {
  readonly experiment: string;
  readonly parameters: number;
  readonly 'training images': number;
  readonly epochs: number;
  /** In the last epoch. */
  readonly 'training accuracy (%)': number;
  /** After the last epoch. */
  readonly 'test accuracy (%)': number;
  /** Of all epochs, chosen by the test images themselves. */
  readonly 'best test accuracy (%)': number;
  /** Training and testing. */
  readonly seconds: number;
}

/** A row as the file keeps it: accuracies from 0 to 1. */
type StoredRow = Omit<ResultRow, `${string}(%)`> & {
  readonly [Name in 'training accuracy' | 'test accuracy' | 'best test accuracy']: number;
};

export interface RunResult {
  readonly parameters: number;
  /** How many it learned from. */
  readonly trainingImages: number;
  readonly history: History;
}

/**
 * Puts a run into the table of results, in place of an earlier one of the same name; a run without a finished epoch
 * changes nothing.
 * @param experiment names the row; rows are sorted by it
 * @param options.file where the table is kept. Default: what CIFAR10_RUNS names, else the project's data/runs.json
 * @returns all rows
 * @throws RangeError for a number that is none
 * @throws Error when the file is there but holds no table
 */
export function recordResult(
  experiment: string,
  { parameters, trainingImages, history: { epochs } }: RunResult,
  { file = process.env.CIFAR10_RUNS || join(PROJECT_DATA, 'runs.json') }: { file?: string } = {},
): ResultRow[] {
  const others = readRows(file).filter((row) => row.experiment !== experiment);
  const last = epochs.at(-1);
  if (!last) return readRows(file).map(inPercent);
  const row: StoredRow = {
    experiment,
    parameters,
    'training images': trainingImages,
    epochs: epochs.length,
    'training accuracy': last.train.accuracy,
    'test accuracy': last.test.accuracy,
    'best test accuracy': Math.max(...epochs.map(({ test }) => test.accuracy)),
    seconds: Math.round(epochs.reduce((sum, { seconds }) => sum + seconds, 0)),
  };
  const wrong = NUMBERS.find((name) => !Number.isFinite(row[name]));
  if (wrong) throw new RangeError(`recordResult: ${wrong} is ${inspectValue(row[wrong])}; expected a number.`);
  const rows = [...others, row].sort((a, b) => (a.experiment < b.experiment ? -1 : 1));
  writeFileSafely(file, [Buffer.from(`${JSON.stringify(rows, null, 1)}\n`)]);
  return rows.map(inPercent);
}

/** A share of 1 in percent, to two decimals: one image of 10,000. */
export const toPercent = (share: number): number => Number((100 * share).toFixed(2));

function inPercent({ seconds, ...row }: StoredRow): ResultRow {
  const { 'training accuracy': training, 'test accuracy': test, 'best test accuracy': best, ...start } = row;
  return {
    ...start,
    'training accuracy (%)': toPercent(training),
    'test accuracy (%)': toPercent(test),
    'best test accuracy (%)': toPercent(best),
    seconds,
  };
}

function readRows(file: string): StoredRow[] {
  if (!existsSync(file)) return [];
  try {
    const rows: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(rows) && rows.every(isRow)) return rows;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Error(
    `${file} does not hold the table of results: move it away or delete it, and the next run begins a new one.`,
  );
}

const NUMBERS = [
  'parameters',
  'training images',
  'epochs',
  'training accuracy',
  'test accuracy',
  'best test accuracy',
  'seconds',
] as const;

function isRow(value: unknown): value is StoredRow {
  if (typeof value !== 'object' || value === null) return false;
  const row = value as Record<string, unknown>;
  return typeof row.experiment === 'string' && NUMBERS.every((name) => typeof row[name] === 'number');
}
