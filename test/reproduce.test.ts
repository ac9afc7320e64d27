import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadCifar10 } from 'cifar10';
import type * as Reproduce from '../bench/reproduce';

const project = join(__dirname, '..', '..');
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { readRuns, reproduce, resultsTable, withTable } = require(
  join(project, 'bench', 'dist', 'reproduce.js'),
) as typeof Reproduce;

const folder = mkdtempSync(join(tmpdir(), 'reproduce-'));
after(() => rmSync(folder, { recursive: true }));

test('an experiment is recorded when it is finished, goes on where it was stopped, and fills its row of the table', async (t) => {
  t.mock.method(console, 'log', () => {});
  const data = await loadCifar10({ sample: true });
  const options = { seed: 3, epochs: 2, checkpoints: join(folder, 'checkpoints'), results: join(folder, 'results') };
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  assert.equal(await reproduce('linear', data, { ...options, signal: stop.signal }), undefined);
  assert.equal(existsSync(options.results), false, 'half a run is no result');
  const run = await reproduce('linear', data, options);
  assert.equal(run?.history.length, 2);
  const [read] = readRuns(options.results);
  assert.deepEqual(read, run);
  assert.equal(read.data.hash, data.hash);
  assert.equal(read.versions.node, process.versions.node);
  assert.match(read.versions.tensorflow, /^\d+\.\d+\.\d+/);
  assert.match(read.versions.tfjs, /^\d+\.\d+\.\d+/);
  const table = resultsTable([read]);
  assert.match(
    table,
    /\| linear network \| 55\.38 % \| \*\*\d+\.\d\d %\*\* \(epoch [12]\) \| .*seed 3, 2 epochs, .*JPEG files \|/,
  );
  assert.match(table, /\| shallow CNN \| 67\.87 % \| not recorded yet \|/);
});

test('the README’s table is that of the recorded runs', () => {
  const readme = readFileSync(join(project, 'README.md'), 'utf8');
  const results = join(project, 'data', 'results');
  assert.equal(readme, withTable(readme, existsSync(results) ? readRuns(results) : []));
});
