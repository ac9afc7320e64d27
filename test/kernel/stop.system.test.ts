import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Cell, type CellResult, runCells, textOf } from './kernel';

const folder = mkdtempSync(join(tmpdir(), 'stop-'));
after(() => rmSync(folder, { recursive: true }));

const setup = `
import { readdirSync } from 'node:fs';
import { findLr, linear, loadCifar10, train, watch, withCheckpoints } from 'cifar10';
import type { TrainRecord } from 'cifar10';
const data = await loadCifar10({ sample: true });
const model = linear({ widths: [8, 8] });
const options = { epochs: 100_000, batchSize: 10 };
const run = () => train(model, data, options);
const saved = () => withCheckpoints(run(), { dir: ${JSON.stringify(folder)}, everySeconds: 0.2, resume: 'ignore' });
let steps = 0;
const kept = 7;`;

/** The next cell is answered with earlier variables, nothing is trained any more, and the same model may be trained. */
const check = `
const before = [steps, readdirSync(${JSON.stringify(folder)}).join()].join();
await new Promise((resolve) => setTimeout(resolve, 700));
console.log(kept, before === [steps, readdirSync(${JSON.stringify(folder)}).join()].join() ? 'rests' : 'runs on');
for await (const record of run()) if (record.type === 'step') { console.log('trains', record.step); break; }`;

const once = { interruptAfter: 0.7 };
const twice = { interruptAfter: 0.7, interrupts: 2, pause: 1.5 };

/** How Stop is pressed on each cell, which it ends with an error. */
const stopped: readonly [title: string, code: string, press: Omit<Cell, 'code'>][] = [
  ['a loop', 'while (true) {}', once],
  ['a loop after an await', 'await null; while (true) {}', once],
  ['a loop that only computes', 'await null; let n = 0; for (let i = 0; i < 1e12; i++) n += i;', twice],
  ['a loop of awaits that leaves nothing else a turn', 'for (;;) await null;', once],
  ['an await of nothing', 'await new Promise(() => {});', once],
  [
    'sleeps in a loop',
    `import { setTimeout as sleep } from 'node:timers/promises'; for (;;) { await sleep(100); steps++; }`,
    once,
  ],
  [
    'a timer that takes most of the time',
    'setInterval(() => { const t = Date.now(); while (Date.now() - t < 900) {} }, 1000); await new Promise(() => {});',
    once,
  ],
  ['a timer that never returns', 'setTimeout(() => { while (true) {} }); await new Promise(() => {});', twice],
  ['a callback of an array', '[1].map(() => { for (;;) {} });', once],
  ['a regular expression that backtracks', `/^(a+)+$/.test('a'.repeat(60) + 'b');`, twice],
  ['recursion', 'const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2)); fib(60);', twice],
  ['another process', `require('child_process').execSync('sleep 60');`, once],
  ['for await of a training', 'for await (const record of run()) steps++;', once],
  ['for await of a training that saves itself', 'for await (const record of saved()) steps++;', once],
  [
    'for await of a learning-rate search',
    'for await (const record of findLr(model, data, { batchSize: 10, steps: 1e5 })) steps++;',
    once,
  ],
  ['a busy loop in for await of a training', 'for await (const record of run()) { steps++; while (true) {} }', twice],
  [
    'a training that has not begun',
    'await new Promise((resolve) => setTimeout(resolve, 1200)); for await (const record of run()) steps++;',
    once,
  ],
  ['watch in a loop', 'for (;;) { steps++; await watch(run()); }', twice],
];

describe('Stop ends', () => {
  const cells = stopped.flatMap(([, code, press]) => [{ code, ...press }, { code: check }]);
  let results: CellResult[];
  before(() => {
    results = runCells([{ code: setup }, ...cells], { goOn: true });
  });
  for (const [i, [title]] of stopped.entries()) {
    test(title, () => {
      const [cell, next] = results.slice(1 + 2 * i);
      assert.equal(cell.status, 'error');
      assert.match(textOf(cell), /Stopped\b|Command failed: sleep/);
      assert.ok(cell.seconds < 15, `${cell.seconds} s`);
      assert.equal(next.status, 'ok', textOf(next));
      assert.match(textOf(next), /^7 rests\ntrains 1\n$/);
    });
  }
});

test('Stop also ends what runs behind an earlier cell: its timers and its trainings', () => {
  const [, , , stopped, next] = runCells(
    [
      { code: setup },
      { code: 'const behind = (async () => { for await (const record of run()) steps++; })();' },
      { code: 'const timer = setInterval(() => steps++, 10);' },
      { code: 'await new Promise(() => {});', ...once },
      { code: check },
    ],
    { goOn: true },
  );
  assert.equal(stopped.status, 'error');
  assert.match(textOf(stopped), /^Stopped: this cell has no result\.\n$/);
  assert.match(textOf(next), /^7 rests\ntrains 1\n$/);
});

test('functions and generators of earlier cells can be used after a Stop', () => {
  const [, stopped, next] = runCells(
    [
      { code: 'function* count() { for (let i = 1; ; i++) yield i; } const counter = count(); counter.next();' },
      { code: 'for (;;) await counter.next();', ...once },
      { code: 'for (const i of count()) { if (i > 2) { console.log(i, Number(counter.next().value) > 1); break; } }' },
    ],
    { goOn: true },
  );
  assert.equal(stopped.status, 'error');
  assert.equal(textOf(next), '3 true\n');
});
