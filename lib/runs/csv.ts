import { writeFileSafely } from '../util/atomicFile';
import { type Cell, flatOptions } from './runOptions';
import type { Run } from './run';

/**
 * Runs as comma-separated values (RFC 4180): a line for each epoch, with the run's name and options on every line. A run
 * without a finished epoch has one line, its numbers empty.
 */
export function runsToCsv(runs: readonly Run[]): string {
  const options = flatOptions(runs);
  const names = [...new Set(options.flatMap((own) => [...own.keys()]))];
  const measures = ['training loss', 'training accuracy', 'test loss', 'test accuracy'];
  const validated = runs.some(({ epochs }) => epochs.some(({ validation }) => validation));
  const head = [
    'run',
    ...names,
    'epoch',
    ...measures,
    ...(validated ? ['validation loss', 'validation accuracy'] : []),
    'seconds',
  ];
  const lines = runs.flatMap(({ name, epochs }, index) => {
    const start = [name, ...names.map((option) => options[index].get(option))];
    if (epochs.length === 0) return [[...start, ...head.slice(start.length).map(() => undefined)]];
    return epochs.map(({ epoch, train, test, validation, seconds }) => [
      ...[...start, epoch, train.loss, train.accuracy, test.loss, test.accuracy],
      ...(validated ? [validation?.loss, validation?.accuracy] : []),
      seconds,
    ]);
  });
  return [head, ...lines].map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

/**
 * Writes `runsToCsv` to a file; it is there in full or not at all.
 * @throws SaveError when it can't be written
 */
export function exportRuns(runs: readonly Run[], file: string): void {
  writeFileSafely(file, [Buffer.from(runsToCsv(runs))]);
}

/** Quoted where it must be: with a comma, a quotation mark or a line break inside. */
function field(value: Cell | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
