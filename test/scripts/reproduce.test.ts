import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCifar10 } from 'cifar10';
import type * as Bench from '../../bench/bench';
import type * as Reproduce from '../../bench/reproduce';
import { root, temporaryFolder } from '../project';

// eslint-disable-next-line @typescript-eslint/no-require-imports
const { readRuns, reproduce, resultsTable, withTable } = require(
  join(root, 'bench', 'dist', 'reproduce.js'),
) as typeof Reproduce;
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { mergeRuns, needMemory, start, takeTurn, TITLES } = require(
  join(root, 'bench', 'dist', 'bench.js'),
) as typeof Bench;

test('an experiment is recorded when it is finished, goes on where it was stopped, and fills its row of the table', async (t) => {
  t.mock.method(console, 'log', () => {});
  const folder = temporaryFolder(t);
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
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const results = join(root, 'data', 'results');
  assert.equal(readme, withTable(readme, existsSync(results) ? readRuns(results) : []));
});

const MODELS = ['linear', 'shallow', 'deep'];

/** The rows of the table that has a column for each model: title → a cell for each. */
function readTable(file: string): Map<string, string[]> {
  const text = readFileSync(join(root, file), 'utf8').replaceAll('**', '');
  const [, body = ''] =
    /^\| *\| *linear *\| *shallow CNN *\| *deep CNN *\|\n\|[ |-]+\|\n((?:\|.*\n)+)/m.exec(text) ?? [];
  return new Map(
    body
      .trim()
      .split('\n')
      .map((line) => line.split('|').slice(1, -1))
      .map(([title, ...cells]): [string, string[]] => [title.trim(), cells.map((cell) => cell.trim())]),
  );
}

const numberIn = (cell: string) => parseFloat(cell.replace(',', ''));

test('the tables of step times are those of the recorded benchmark', () => {
  const file = join('bench', 'results', 'Intel-R-Xeon-R-Processor.json');
  const { results } = JSON.parse(readFileSync(join(root, file), 'utf8')) as Bench.Saved;
  const rowOf = (model: string, way: string) => results[model].find((row) => row.way === way);
  const minimum = (model: string, way: string) => rowOf(model, way)?.minimum ?? Infinity;
  const best = (model: string) =>
    Math.min(...['written', 'best:0:0', 'best:1:0', 'best:0:1', 'best:1:1'].map((way) => minimum(model, way)));
  /** Agrees as far as a table is rounded. */
  const check = (cell: string, expected: number, where: string) =>
    assert.ok(
      Math.abs(numberIn(cell) - expected) <= 0.005 * expected,
      `${where}: ${cell}, but ${expected} in ${file}: bring the table up to date`,
    );

  const readme = readTable('README.md');
  const [ours, written, atBest, plain] = [...readme.keys()];
  assert.match([ours, written, atBest, plain].join(), /this course,PyTorch, as .* written,PyTorch at its best,plain/);
  const details = readTable(join('bench', 'README.md'));
  for (const [i, model] of MODELS.entries()) {
    check(readme.get(ours)![i], minimum(model, 'float32'), `README.md, ${model}, ${ours}`);
    check(readme.get(written)![i], minimum(model, 'written'), `README.md, ${model}, ${written}`);
    check(readme.get(atBest)![i], best(model), `README.md, ${model}, ${atBest}`);
    check(readme.get(plain)![i], minimum(model, 'plain'), `README.md, ${model}, ${plain}`);

    for (const { way, minimum: time } of results[model].filter(({ way }) => !way.startsWith('peak:'))) {
      const where = `bench/README.md, ${model}, ${TITLES[way]}`;
      const cell = details.get(TITLES[way])?.[i] ?? '';
      check(cell, time, where);
      const times = /\((.*)\)/.exec(cell)?.[1];
      if (way !== 'written') check(String(times), Number((minimum(model, 'written') / time).toFixed(2)), where);
    }
    const share = (100 * rowOf(model, 'float32')!.gigaflops!) / rowOf(model, 'peak:float32')!.gigaflops!;
    check(details.get('compiled float32: share of the convolution')![i], Math.round(share), `${model}, share`);
    for (const [title, way] of [
      ['compiled float32: peak memory', 'float32'],
      ['plain tfjs-node: peak memory', 'plain'],
    ]) {
      check(details.get(title)![i], rowOf(model, way)!.peakBytes / 1e6, `bench/README.md, ${model}, ${title}`);
    }
  }
});

test('a benchmark of one model keeps what was measured of the others, and when', () => {
  const machine = { cpu: 'A', cores: 2, memory: 8e9, features: 'avx2', node: '20', torch: '2' };
  const row = (minimum: number) => [{ way: 'plain', minimum, median: 2, peakBytes: 3, steps: 4 }];
  const origin = (date: string) => ({ date, machine, rounds: 5 });
  const all = { ...origin('Monday'), results: { linear: row(1), shallow: row(2), deep: row(3) } };
  assert.equal(mergeRuns(all), all);
  const second = mergeRuns({ ...origin('Tuesday'), results: { linear: row(10) } }, all);
  assert.deepEqual(second, {
    ...origin('Tuesday'),
    results: { linear: row(10), shallow: row(2), deep: row(3) },
    earlier: { shallow: origin('Monday'), deep: origin('Monday') },
  });
  const third = mergeRuns({ ...origin('Wednesday'), results: { deep: row(30) } }, second);
  assert.deepEqual(third.results, { linear: row(10), shallow: row(2), deep: row(30) });
  assert.deepEqual(third.earlier, { linear: origin('Tuesday'), shallow: origin('Monday') });
  assert.deepEqual(mergeRuns(all, third), all);
});

test('a benchmark is not begun where the memory is too small for all runners at once', () => {
  const ways = ['plain', 'eager', 'tensorflow', 'float32', 'peak:float32', 'written', 'best:0:0', 'best:1:0'];
  needMemory(['linear', 'shallow', 'deep'], ways, 15e9);
  assert.throws(
    () => needMemory(['linear', 'deep'], ways, 8e9),
    /^Error: The deep model's runners, all alive at once, need about 14.3 GB of memory, and 8.0 GB are free: end/,
  );
});

test('a runner that ends before its time is named', async (t) => {
  // It no longer hears us, and goes on a little.
  const deaf = `require('fs').closeSync(0); console.log('ready 0'); setTimeout(() => {}, 500)`;
  const runner = await start('plain', process.execPath, ['-e', deaf]);
  t.after(() => runner.process.kill());
  await assert.rejects(takeTurn(runner, 1), /^Error: “plain tfjs-node” ended before its time: see its error above/);
});
