// Runs side by side: curves, rows of a table, a file for spreadsheets.
import { runCurves } from '../charts/runCurves';
import type { Figure } from '../charts/theme';
import { writeFileSafely } from '../util/atomicFile';
import { type Cell, differingOptions, optionsOf, type Run, type RunEpoch, summarizeRun } from './run';

/** A row of a table, its keys the titles of the columns: `show(rows)`, or `new DataFrame(rows)`. */
export type Row = Readonly<Record<string, Cell>>;

export interface Comparison {
  /** Accuracy and loss of all runs: test solid, training dotted. */
  readonly figure: Figure;
  /** A row for each run: the options in which they differ, and what came of it. */
  readonly table: Row[];
}

/**
 * Puts runs side by side.
 *
 *     const { figure, table } = compareRuns([run, ...recordedRuns()]);
 *     show(figure);
 *     show(table);
 *
 * Only options in which the runs differ are in the table. `gap` is the generalization gap, the training accuracy less the
 * test accuracy in the last epoch, in percentage points. Colors are in the order of the runs.
 * @throws RangeError when there is no run, or when two have the same name
 */
export function compareRuns(runs: readonly Run[], { title }: { title?: string } = {}): Comparison {
  const names = runs.map(({ name }) => name);
  if (names.length === 0) throw new RangeError('There are no runs to compare: expected at least one.');
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new RangeError(`Two runs are named “${twice}”: give each its own name.`);
  const curves = runs.map(({ name, epochs }) => ({ name, points: epochs }));
  const differing = differingOptions(runs);
  const table = runs.map((run) => {
    const options = optionsOf(run, runs);
    const { best, bestEpoch, last, gap, epochs, seconds } = summarizeRun(run);
    return {
      run: run.name,
      ...Object.fromEntries(differing.map((name) => [name, shown(options[name])])),
      epochs,
      'best test (%)': toPercent(best),
      'best epoch': bestEpoch ?? '–',
      'last test (%)': toPercent(last),
      'gap (points)': toPercent(gap),
      seconds: Math.round(seconds),
    };
  });
  return { figure: runCurves(curves, { title }), table };
}

/** The table of results that grows from notebook to notebook: a row for each run that has an epoch. Accuracies in percent. */
export function resultsTable(runs: readonly Run[]): Row[] {
  return runs.flatMap((run) => {
    const { best, last, epochs, seconds } = summarizeRun(run);
    if (epochs === 0) return [];
    return {
      experiment: run.name,
      parameters: run.parameters ?? '–',
      'training images': run.trainingImages ?? '–',
      epochs,
      'training accuracy (%)': toPercent(run.epochs.at(-1)?.train.accuracy),
      'test accuracy (%)': toPercent(last),
      'best test accuracy (%)': toPercent(best),
      seconds: Math.round(seconds),
    };
  });
}

/** A share of 1 in percent, to two decimals: one image of 10,000. */
const toPercent = (share?: number): number | string => (share === undefined ? '–' : Number((100 * share).toFixed(2)));

const shown = (cell: Cell | undefined): Cell => (typeof cell === 'boolean' ? (cell ? 'yes' : 'no') : (cell ?? '–'));

/**
 * Writes runs as comma-separated values (RFC 4180) that spreadsheets read: a line for each epoch, with the run's name and
 * options on every line. A run without a finished epoch has one line, its numbers empty.
 * @throws SaveError when it can't be written
 */
export function exportRuns(runs: readonly Run[], file: string): void {
  const all = runs.map((run) => optionsOf(run, runs));
  const names = [...new Set(all.flatMap(Object.keys))].filter((name) => name !== 'epochs');
  const isValidated = runs.some(({ epochs }) => epochs.some(({ validation }) => validation));
  const parts = isValidated ? (['train', 'test', 'validation'] as const) : (['train', 'test'] as const);
  const head = ['run', ...names, 'epoch', ...parts.flatMap((part) => [`${part} loss`, `${part} accuracy`]), 'seconds'];
  const lines = runs.flatMap(({ name, epochs }, index) => {
    const points: readonly Partial<RunEpoch>[] = epochs.length > 0 ? epochs : [{}];
    return points.map((point) => {
      const metrics = parts.flatMap((part) => [point[part]?.loss, point[part]?.accuracy]);
      return [name, ...names.map((option) => all[index][option]), point.epoch, ...metrics, point.seconds];
    });
  });
  // The byte order mark tells Excel that it is UTF-8.
  const text = `\ufeff${[head, ...lines].map((line) => `${line.map(field).join(',')}\r\n`).join('')}`;
  writeFileSafely(file, [Buffer.from(text)]);
}

/** Quoted where it must be; a text that a spreadsheet would compute as a formula begins with an apostrophe. */
function field(value: Cell | undefined): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
