import type { DataFrame } from 'danfojs-node';
import { runCurves } from '../charts/runCurves';
import type { Figure } from '../charts/theme';
import { toPercent } from './results';
import { type Cell, differingOptions, flatOptions } from './runOptions';
import type { Run } from './run';
import { summarizeRun } from './score';

export interface Comparison {
  /** Accuracy and loss of all runs: test solid, training dotted. */
  readonly figure: Figure;
  /** A row for each run: the options in which they differ, and what came of it. */
  readonly table: DataFrame;
}

/**
 * Puts runs side by side.
 *
 *     const { figure, table } = compare([run, ...recordedRuns()]);
 *     show(figure);
 *     show(table);
 *
 * Only options in which the runs differ are in the table. `gap` is the generalisation gap, the training accuracy less the
 * test accuracy in the last epoch, in percentage points. Colors are in the order of the runs.
 * @throws RangeError when there is no run, or when two have the same name
 */
export function compareRuns(runs: readonly Run[], { title }: { title?: string } = {}): Comparison {
  const names = runs.map(({ name }) => name);
  if (names.length === 0) throw new RangeError('There are no runs to compare: expected at least one.');
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new RangeError(`Two runs are named “${twice}”: give each its own name.`);
  const figure = runCurves(
    runs.map(({ name, epochs }) => ({ name, points: epochs })),
    { title },
  );
  return { figure, table: tableOf(runs) };
}

function tableOf(runs: readonly Run[]): DataFrame {
  const differing = differingOptions(runs);
  const options = flatOptions(runs);
  const rows = runs.map((run, index) => {
    const { best, bestEpoch, last, gap, epochs, seconds } = summarizeRun(run);
    return {
      run: run.name,
      ...Object.fromEntries(differing.map((name) => [name, cellText(options[index].get(name))])),
      epochs,
      'best test (%)': toPercent(best ?? NaN),
      'best epoch': bestEpoch ?? NaN,
      'last test (%)': toPercent(last ?? NaN),
      'gap (points)': toPercent(gap ?? NaN),
      seconds: Math.round(seconds),
    };
  });
  // Loading danfojs takes seconds, which only those shall wait for who compare.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const danfo = require('danfojs-node') as typeof import('danfojs-node');
  return new danfo.DataFrame(rows);
}

const cellText = (cell: Cell | undefined): string | number =>
  cell === undefined || cell === null ? '–' : typeof cell === 'boolean' ? (cell ? 'yes' : 'no') : cell;
