import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  adamW,
  compareRuns,
  cosine,
  createRun,
  crossEntropy,
  cutout,
  loadRuns,
  randomCrop,
  randomFlip,
  recordedRuns,
  resultsTable,
  saveRun,
  sgd,
} from 'cifar10';
import { temporaryFolder } from '../project';
import { curves, historyOf, none, rowsOf } from './runs';
import { exportRuns } from 'cifar10/runs';

const results = (accuracy: number) => ({
  ...{ epochs: 1, 'best test (%)': 100 * accuracy, 'best epoch': 1, 'last test (%)': 100 * accuracy },
  ...{ 'gap (points)': 25, seconds: 2 },
});

test('the table has the options that differ, defaults filled in, and what came of each run', () => {
  const rows = rowsOf([
    createRun('a', { optimizer: sgd({ lr: 0.1 }), batchSize: 64 }, historyOf(0.5, 0.75, 0.625)),
    createRun('b', { batchSize: 64, augment: [randomFlip()], seed: 0 }, historyOf(0.25)),
  ]);
  assert.deepEqual(rows, [
    {
      run: 'a',
      augment: '',
      epochs: 3,
      'best test (%)': 75,
      'best epoch': 2,
      'last test (%)': 62.5,
      'gap (points)': 25,
      seconds: 5,
    },
    { run: 'b', augment: 'randomFlip()', ...results(0.25) },
  ]);
});

test('an optimizer is its name and its hyperparameters, a list of functions the calls that made them', () => {
  const groups = [{ where: () => true, use: sgd({ lr: 0.2 }) }, { use: adamW() }];
  const rows = rowsOf([
    createRun(
      'a',
      { optimizer: sgd({ lr: cosine(0.1), momentum: 0.9 }), augment: [randomCrop(4), cutout(8)] },
      historyOf(0.5),
    ),
    createRun('b', { optimizer: adamW({ lr: 0.01 }), loss: crossEntropy({ labelSmoothing: 0.1 }) }, historyOf(0.5)),
    createRun('c', { optimizer: groups, widths: [8, 8] }, historyOf(0.5)),
  ]);
  const [a, b, c] = rows;
  assert.deepEqual([a.optimizer, a.lr, a.momentum, a.beta1], ['sgd', 'cosine(0.1, { end: 0 })', 0.9, '–']);
  assert.deepEqual([b.optimizer, b.lr, b.momentum, b.beta1], ['adamW', 0.01, '–', 0.9]);
  assert.deepEqual([c.optimizer, c['group 1: lr'], c['group 2: beta2'], c.lr], ['sgd, adamW', 0.2, 0.999, '–']);
  assert.deepEqual([a.augment, b.augment], ['randomCrop(4), cutout(8)', '']);
  assert.deepEqual([a.loss, b.loss], ['crossEntropy()', 'crossEntropy({ labelSmoothing: 0.1 })']);
  assert.deepEqual([b.widths, c.widths], ['–', '8, 8']);
});

test('recorded runs, of earlier words too, stand beside new ones', () => {
  const [linear, augmented] = recordedRuns(['linear', 'augmented']);
  assert.equal(augmented.options.augment, 'randomCrop(4), randomFlip()');
  const rows = rowsOf([createRun('mine', { optimizer: sgd({ lr: 0.1 }) }, historyOf(0.5)), linear, augmented]);
  assert.deepEqual(
    rows.map(({ augment, momentum }) => [augment, momentum]),
    [
      ['', 0],
      ['', 0],
      ['randomCrop(4), randomFlip()', 0.9],
    ],
  );
});

test('a run is the same after it was saved and loaded', (t) => {
  const dir = temporaryFolder(t);
  const { signal } = new AbortController();
  const options = {
    optimizer: sgd({ lr: cosine(0.1) }),
    signal,
    widths: [1, 2],
    mine: (x: number) => x,
    shuffle: false,
  };
  const run = createRun('a cosine', options, historyOf(0.5, 0.25), { parameters: 7, trainingImages: 5 });
  assert.deepEqual(Object.keys(run.options), [
    'optimizer',
    'lr',
    'momentum',
    'weightDecay',
    'widths',
    'mine',
    'shuffle',
  ]);
  const file = saveRun(run, { dir });
  assert.match(file, /a-cosine-[0-9a-f]{8}\.json$/);
  assert.deepEqual(loadRuns({ dir }), [run]);
  assert.throws(() => createRun(' ', {}, none), /name of a run is " "; expected a text/);
  assert.throws(
    () => createRun('a', {}, none, { parameters: NaN }),
    /createRun: parameters is NaN; expected an integer/,
  );
});

test('the best epoch is chosen by the validation images where there were some', () => {
  const { epochs } = historyOf(0.5, 0.75);
  const validated = epochs.map((epoch, i) => ({
    ...epoch,
    bestBy: 'validation' as const,
    validation: { loss: 1, accuracy: 1 - i },
  }));
  const [row] = rowsOf([createRun('a', {}, { epochs: validated })]);
  assert.deepEqual([row['best test (%)'], row['best epoch'], row['last test (%)']], [50, 1, 75]);
});

test('the table of results has a row for each run with an epoch', () => {
  const facts = { parameters: 7, trainingImages: 5 };
  const rows = resultsTable([createRun('02', {}, historyOf(0.5, 0.75, 0.25), facts), createRun('03', {}, none, facts)]);
  assert.deepEqual(rows, [
    {
      experiment: '02',
      parameters: 7,
      'training images': 5,
      epochs: 3,
      'training accuracy (%)': 50,
      'test accuracy (%)': 25,
      'best test accuracy (%)': 75,
      seconds: 5,
    },
  ]);
});

test('a run that was stopped before its first epoch has a row, a legend entry, a file and a line', (t) => {
  const dir = temporaryFolder(t);
  const stopped = createRun('stopped', { lr: 1 }, none);
  saveRun(stopped, { dir });
  assert.deepEqual(loadRuns({ dir }), [stopped]);
  assert.ok(curves(compareRuns([stopped]).figure).some(({ name, x }) => name === 'stopped' && x.length === 0));
  const [, row] = rowsOf([createRun('a', { lr: 1 }, historyOf(0.5)), stopped]);
  assert.deepEqual([row.epochs, row['best test (%)']], [0, '–']);
  assert.deepEqual(exported(t, [stopped])[1], ['stopped', '1', '', '', '', '', '', '']);
});

test('no runs, or two of one name, are refused', () => {
  assert.throws(() => compareRuns([]), /no runs to compare/);
  const run = createRun('twin', {}, historyOf(0.5));
  assert.throws(() => compareRuns([run, run]), /Two runs are named “twin”/);
});

test('CSV: any name survives a round trip; validation has columns where there is one', (t) => {
  const name = 'a "good", long\r\nName mit Umlaut: ä';
  const { epochs } = historyOf(0.5, 0.75);
  const validated = epochs.map((epoch) => ({ ...epoch, validation: { loss: 3, accuracy: 0.125 } }));
  const [head, ...lines] = exported(t, [
    createRun(name, { lr: -0.1 }, { epochs: validated }),
    createRun('b', {}, historyOf(0.25)),
  ]);
  assert.deepEqual(head, [
    ...['run', 'lr', 'epoch', 'train loss', 'train accuracy', 'test loss', 'test accuracy'],
    ...['validation loss', 'validation accuracy', 'seconds'],
  ]);
  assert.deepEqual(lines, [
    [name, '-0.1', '1', '1', '0.75', '2', '0.5', '3', '0.125', '1.5'],
    [name, '-0.1', '2', '1', '1', '2', '0.75', '3', '0.125', '1.5'],
    ['b', '0.1', '1', '1', '0.5', '2', '0.25', '', '', '1.5'],
  ]);
});

test('CSV: no name or option becomes a formula of a spreadsheet', (t) => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1']) {
    const [, [name, option]] = exported(t, [createRun(text, { note: text }, historyOf(0.5))]);
    if (text.trim() === text) assert.deepEqual([name, option], [`'${text}`, `'${text}`]);
  }
});

/** The cells of what exportRuns writes, which begins with a byte order mark. */
function exported(t: Parameters<typeof temporaryFolder>[0], runs: Parameters<typeof exportRuns>[0]): string[][] {
  const file = join(temporaryFolder(t), 'new', 'runs.csv');
  exportRuns(runs, file);
  assert.equal(existsSync(`${file}.part`), false);
  const text = readFileSync(file, 'utf8');
  assert.equal(text[0], '\ufeff');
  return parseCsv(text.slice(1));
}

/** RFC 4180, read by its grammar. */
function parseCsv(text: string): string[][] {
  const fields = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy)];
  assert.equal(fields.map(([all]) => all).join(''), text, 'every character belongs to a field');
  const lines: string[][] = [[]];
  for (const [, quoted, bare, end] of fields) {
    lines[lines.length - 1].push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === '\r\n') lines.push([]);
  }
  return lines.slice(0, -1);
}
