import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRuns, cosine, loadRuns, createRun, runsToCsv, saveRun } from 'cifar10';
import { temporaryFolder } from '../project';
import { curves, historyOf, none, rowsOf } from './runs';

test('the table has the options that differ, defaults filled in, and what came of each run', () => {
  const rows = rowsOf([
    createRun('a', { lr: 0.1, batchSize: 64, seed: 1 }, historyOf(0.5, 0.75, 0.625)),
    createRun('b', { lr: 0.1, batchSize: 64, momentum: 0, seed: 1, augment: { flip: true } }, historyOf(0.25)),
  ]);
  assert.deepEqual(rows, [
    {
      run: 'a',
      'augment.flip': 'no',
      epochs: 3,
      'best test (%)': 75,
      'best epoch': 2,
      'last test (%)': 62.5,
      'gap (points)': 25,
      seconds: 5,
    },
    {
      run: 'b',
      'augment.flip': 'yes',
      epochs: 1,
      'best test (%)': 25,
      'best epoch': 1,
      'last test (%)': 25,
      'gap (points)': 25,
      seconds: 2,
    },
  ]);
});

test('where nothing else was given, Adam’s momentum is 0.9', () => {
  const rows = rowsOf([
    createRun('a', { optimizer: 'adam', momentum: undefined }, historyOf(0.5)),
    createRun('b', { optimizer: 'adam', momentum: 0.8 }, historyOf(0.5)),
    createRun('c', { optimizer: 'sgd' }, historyOf(0.5)),
  ]);
  assert.deepEqual(
    rows.map(({ momentum }) => Number(momentum)),
    [0.9, 0.8, 0],
  );
});

test('options that only some runs have, and values of several kinds, stand in one column', () => {
  const rows = rowsOf([
    createRun('a', { lr: cosine(0.1), widths: [8, 8], augment: () => ({ crop: 4 }) }, historyOf(0.5)),
    createRun('b', { lr: 0.1, augment: { crop: 2 } }, historyOf(0.5)),
  ]);
  assert.deepEqual(
    rows.map(({ widths }) => widths),
    ['8, 8', '–'],
  );
  assert.match(String(rows[0].augment), /crop: 4/);
  assert.deepEqual([rows[1].augment, rows[0]['augment.crop'], Number(rows[1]['augment.crop'])], ['–', '–', 2]);
  assert.equal(rows[0].lr, 'cosine(0.1, { end: 0 })');
  assert.equal(Number(rows[1].lr), 0.1);
});

test('options that are named as a column are beside it', () => {
  const options = [1, 2].map((seconds) => ({ seconds, run: 'x', epoch: 7 }));
  const [one, two] = options.map((own, index) => createRun(`run ${index}`, own, historyOf(0.5)));
  const rows = rowsOf([one, two]).map((row) => [row.run, row['seconds (option)'], row.seconds]);
  assert.deepEqual(rows, [
    ['run 0', 1, 2],
    ['run 1', 2, 2],
  ]);
  const [head, first] = runsToCsv([one]).split('\r\n');
  const names = head.split(',');
  assert.equal(new Set(names).size, names.length);
  assert.equal(first.split(',')[names.indexOf('epoch (option)')], '7');
});

test('a run that was stopped before its first epoch has a row, a legend entry, a file and a line', (t) => {
  const dir = temporaryFolder(t);
  const stopped = createRun('stopped', { lr: 1 }, none);
  saveRun(stopped, { dir });
  assert.deepEqual(loadRuns({ dir }), [stopped]);
  const { figure } = compareRuns([stopped]);
  assert.ok(curves(figure).some(({ name, x }) => name === 'stopped' && x.length === 0));
  const [, row] = rowsOf([createRun('a', { lr: 1 }, historyOf(0.5)), stopped]);
  assert.equal(row.epochs, 0);
  assert.ok(Number.isNaN(row['best test (%)']));
  assert.equal(runsToCsv([stopped]).split('\r\n')[1], 'stopped,1,,,,,,');
});

test('no runs, or two of one name, are refused', () => {
  assert.throws(() => compareRuns([]), /no runs to compare/);
  const run = createRun('twin', {}, historyOf(0.5));
  assert.throws(() => compareRuns([run, run]), /Two runs are named “twin”/);
});
