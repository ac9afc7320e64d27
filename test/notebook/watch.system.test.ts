import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { type EpochRecord, type StepRecord, type TrainRecord, watch } from 'cifar10';
import { PLOTLY, runCells, textOf } from '../kernel/kernel';

const setup = `
import { linear, loadCifar10, sgd, train, watch, withCheckpoints } from 'cifar10';
import { live } from 'cifar10/kernel';
import type { TrainRecord } from 'cifar10';
let closed = 0;
let reached = 0;
/** The epoch that is called endless has so many steps that nobody waits for its end. */
async function* fake(epochs: number, usual: number, endless = 0): AsyncGenerator<TrainRecord> {
  try {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const steps = epoch === endless ? 100 * usual : usual;
      for (let step = 1; step <= steps; step++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        reached = epoch;
        yield { type: 'step', epoch, epochs, step, steps, loss: 1 / epoch, accuracy: 0.5, lr: 0.1, imagesPerSecond: 1000 };
      }
      const score = { loss: 1 / epoch, accuracy: epoch === 2 ? 0.75 : 0.5 };
      yield { type: 'epoch', epoch, epochs, train: score, test: score, bestBy: 'test', lr: 0.1, seconds: 1, imagesPerSecond: 1000 };
    }
  } finally {
    closed++;
  }
}
/** Its first step goes on until a later cell calls \`release\`. */
let release = () => {};
const released = new Promise<void>((resolve) => (release = resolve));
async function* slow(): AsyncGenerator<TrainRecord> {
  for (let step = 1; step <= 3; step++) {
    yield { type: 'step', epoch: 1, epochs: 1, step, steps: 3, loss: 1, accuracy: 0.5, lr: 0.1, imagesPerSecond: 1 };
    await released;
    reached = 100 + step;
  }
}
async function* tested(): AsyncGenerator<TrainRecord> {
  for await (const record of fake(1, 1)) if (record.type === 'step') yield record;
  for (let batch = 1; batch <= 1000; batch++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    reached = batch;
    yield { type: 'test', epoch: 1, epochs: 1, batch, batches: 1000 };
  }
}
async function* broken(): AsyncGenerator<TrainRecord> {
  for await (const record of fake(1, 5)) {
    if (record.type === 'step' && record.step === 3) throw new Error('the loss is NaN');
    yield record;
  }
}`;

const folder = mkdtempSync(join(tmpdir(), 'watch-'));
after(() => rmSync(folder, { recursive: true }));

const saved = `
const run = train(linear({ widths: [8, 8] }), await loadCifar10({ sample: true }), {
  epochs: 60, batchSize: 10, optimizer: sgd({ lr: 0.01 }),
});
const saved = await watch(withCheckpoints(run, { dir: ${JSON.stringify(join(folder, 'run'))} }));`;
const report = 'console.log(JSON.stringify([saved.stopped, saved.epochs.map(({ epoch }) => epoch)]));';

// All in one kernel: what a cell leaves behind must not harm the next.
const [, done, doneHistory, stopped, stoppedHistory, later, stoppedEarly, thrown, first, second, shorthand, ...others] =
  runCells(
    [
      { code: setup },
      { code: 'const history = await watch(fake(3, 50));' },
      { code: 'console.log(JSON.stringify([history.stopped, history.epochs.map(({ epoch }) => epoch), closed]));' },
      { code: `const partial = await watch(fake(100, 60, 3)); console.log('goes on');`, interruptOn: 'Epoch 3 of' },
      { code: 'console.log(JSON.stringify([partial.stopped, partial.epochs.length, closed]));' },
      { code: `await new Promise((resolve) => setTimeout(resolve, 300)); console.log('reached', reached);` },
      { code: 'const none = await watch(fake(5, 500));', interruptOn: 'Epoch 1 of' },
      { code: 'await watch(broken());' },
      { code: `const display = live('one'); console.log('first');` },
      { code: `display.update('two'); display.flush(); console.log('second');` },
      { code: 'const make = () => ({ reached }); console.log(JSON.stringify({ ...make(), closed }));' },
      {
        code: `const twice = await watch(fake(100, 60, 3)); console.log(twice.epochs.length);`,
        interruptOn: 'Epoch 3 of',
        interrupts: 3,
      },
      { code: `await new Promise((resolve) => setTimeout(resolve, 300)); console.log('reached', reached);` },
      // Twice would do, were the kernel always quick to hear it; what comes after the cell's end is for nobody.
      { code: 'await watch(slow());', interruptOn: 'Epoch 1 of 1', interrupts: 3, pause: 1.5 },
      {
        code: `release(); await new Promise((resolve) => setTimeout(resolve, 300)); console.log('reached', reached);`,
      },
      { code: 'const untested = await watch(tested());', interruptOn: 'on the test images, batch' },
      { code: 'console.log(reached < 1000, untested.stopped);' },
      {
        code: `const [a, b] = [live('0'), live('0')];
for (let i = 1; i <= 1000; i++) {
  for (const display of [a, b]) { display.update(String(i)); display.flush(); }
  await new Promise((resolve) => setImmediate(resolve));
}
console.log('all sent');`,
      },
      { code: saved, interruptOn: 'last test accuracy' },
      { code: report },
      { code: saved },
      { code: report },
      { code: saved },
    ],
    { goOn: true },
  );

test('watch draws progress and curves during a run, and closes with the best test accuracy', () => {
  assert.equal(done.status, 'ok', textOf(done));
  assert.equal(done.outputs.length, 2);
  for (const { updates = 0 } of done.outputs) {
    assert.ok(updates > 2, `drawn ${updates} times`);
    assert.ok(updates < 100, `drawn ${updates} times in 150 steps`);
  }
  assert.match(
    textOf(done),
    /Done! Max accuracy = 75\.00 % on the test images \(epoch 2\), after the last epoch 50\.00 %\. 3 epochs in \d+ s, [\d,]+ images\/s\./,
  );
  const { data } = done.outputs[1].data![PLOTLY] as { data: { name: string; y: number[] }[] };
  assert.deepEqual(data.find(({ name }) => name === 'test')!.y, [50, 75, 50]);
  assert.match(textOf(doneHistory), /\[false,\[1,2,3\],1\]/);
});

test('Stop ends a run after the current batch; the cell continues with the epochs so far; nothing runs on unseen', () => {
  assert.equal(stopped.status, 'ok', textOf(stopped));
  assert.match(textOf(stopped), /Stopped in epoch 3 of 100\. Max accuracy = 75\.00 %/);
  assert.match(textOf(stopped), /goes on/);
  assert.match(textOf(stoppedHistory), /\[true,2,2\]/);
  assert.match(textOf(later), /reached 3/);
});

test('Stop before the first epoch ends says that there is no test accuracy yet', () => {
  assert.equal(stoppedEarly.status, 'ok', textOf(stoppedEarly));
  assert.match(textOf(stoppedEarly), /Stopped in epoch 1 of 5\. No epoch was finished/);
});

test('an error in a run is the cell’s error, and the curves stay', () => {
  assert.equal(thrown.status, 'error');
  assert.match(textOf(thrown), /the loss is NaN/);
  const { data } = thrown.outputs.find(({ data }) => data?.[PLOTLY])!.data![PLOTLY] as { data: { x: number[] }[] };
  assert.deepEqual(data[0].x, [0.2, 0.4]);
});

test('a live display stays with its cell when the next one runs', () => {
  assert.match(textOf(first), /one/);
  assert.equal(second.outputs.filter(({ type }) => type === 'display_data').length, 0);
  assert.match(textOf(second), /second/);
});

test('a cell may write { name } for a variable of an earlier cell', () => {
  assert.equal(shorthand.status, 'ok', textOf(shorthand));
  assert.match(textOf(shorthand), /\{"reached":\d,"closed":\d\}/);
});

const [
  twice,
  afterTwice,
  aborted,
  afterAborted,
  testing,
  afterTesting,
  talkative,
  saveStopped,
  saveStoppedHistory,
  goneOn,
  goneOnHistory,
  again,
] = others;

test('a second Stop, a second or more later, ends the cell with an error at once, and nothing runs on behind it', () => {
  assert.equal(aborted.status, 'error');
  assert.match(textOf(aborted), /Stopped twice: this cell has no result/);
  assert.equal(afterAborted.status, 'ok');
  assert.match(textOf(afterAborted), /reached \d\n/, 'the stopped run went on');
});

test('Stop during the evaluation does not wait for its end', () => {
  assert.equal(testing.status, 'ok', textOf(testing));
  assert.match(textOf(testing), /Stopped in epoch 1 of 1\. No epoch was finished/);
  assert.match(textOf(afterTesting), /true true/);
  const { updates = 0 } = testing.outputs.find(({ data }) => data?.[PLOTLY])!;
  assert.ok(updates <= 1, `the chart, which a test does not change, was drawn ${updates} times`);
});

test('thousands of messages arrive, two at a time', () => {
  assert.equal(talkative.status, 'ok', textOf(talkative));
  assert.match(textOf(talkative), /1000.*1000.*all sent/s);
});

test('three quick presses of Stop count as one: the epochs so far are kept, and nothing runs on unseen', () => {
  assert.equal(twice.status, 'ok', textOf(twice));
  assert.match(textOf(twice), /Stopped in epoch 3 of 100\..*2\n$/s);
  assert.match(textOf(afterTwice), /reached 3/);
});

test('a stopped run with a checkpoint says that the cell continues it; and it does, with the whole history', () => {
  assert.equal(saveStopped.status, 'ok', textOf(saveStopped));
  assert.match(textOf(saveStopped), /Stopped in epoch (\d+) of 60\. .*Run the cell again to continue from here\./);
  const [isStopped, before] = JSON.parse(textOf(saveStoppedHistory)) as [boolean, number[]];
  assert.ok(isStopped);
  assert.ok(before.length >= 1 && before.length < 60, `epochs ${before.join()}`);
  assert.equal(goneOn.status, 'ok', textOf(goneOn));
  assert.match(
    textOf(goneOn),
    new RegExp(
      `Done! .* ${before.length} epochs? trained earlier, ${60 - before.length} epochs in \\d+ s, [\\d,]+ images/s\\.`,
    ),
  );
  const all = Array.from({ length: 60 }, (_, i) => i + 1);
  assert.deepEqual(JSON.parse(textOf(goneOnHistory)), [false, all]);
  const { data } = goneOn.outputs[1].data![PLOTLY] as { data: { name: string; x: number[] }[] };
  assert.deepEqual(data.find(({ name }) => name === 'test')!.x, all);
});

test('a finished run is shown again, without training', () => {
  assert.equal(again.status, 'ok', textOf(again));
  assert.match(textOf(again), /Done! .* 60 epochs, trained earlier\./);
});

/** Watches a run outside of a notebook; gives its history, and what is said at the end. */
async function watched(t: TestContext, run: AsyncIterable<TrainRecord>) {
  const log = t.mock.method(console, 'log', () => {});
  const history = await watch(run);
  return { ...history, says: String(log.mock.calls.at(-1)?.arguments[0]) };
}

const score = { loss: 1, accuracy: 0.5 };
const restored = (epoch: number, epochs: number): EpochRecord => {
  const numbers = {
    epoch,
    epochs,
    train: score,
    test: score,
    bestBy: 'test' as const,
    lr: 0.1,
    seconds: 1,
    imagesPerSecond: 1000,
  };
  return { type: 'epoch', ...numbers, restored: true };
};
const stepOf = (epoch: number, epochs: number, step: number): StepRecord => {
  const numbers = { epoch, epochs, step, steps: 9, loss: 1, accuracy: 0.5, lr: 0.1, imagesPerSecond: 1000 };
  return { type: 'step', ...numbers, resumable: true };
};
const pressStop = () => process.emit('SIGINT');

test('Stop during the start of a run with a checkpoint keeps all epochs of earlier calls, and says how to continue', async (t) => {
  let steps = 0;
  async function* resumed(): AsyncGenerator<TrainRecord> {
    pressStop();
    for (let epoch = 1; epoch <= 3; epoch++) yield restored(epoch, 5);
    for (let step = 1; step <= 9; step++) {
      steps++;
      yield stepOf(4, 5, step);
    }
    await Promise.resolve();
  }
  const { epochs, stopped, says } = await watched(t, resumed());
  assert.deepEqual([epochs.map(({ epoch }) => epoch), stopped, steps], [[1, 2, 3], true, 1]);
  assert.match(
    says,
    /Stopped in epoch 4 of 5\. .*3 epochs, trained earlier\. Run the cell again to continue from here\./,
  );
});

test('a run that ends after the epochs of earlier calls can be continued, unless they are all', async (t) => {
  async function* ended(epochs: number): AsyncGenerator<TrainRecord> {
    for (let epoch = 1; epoch <= 3; epoch++) yield restored(epoch, epochs);
    await Promise.resolve();
  }
  const early = await watched(t, ended(5));
  assert.match(early.says, /Stopped in epoch 3 of 5\..* Run the cell again to continue from here\./);
  assert.equal(early.stopped, true);
  const done = await watched(t, ended(3));
  assert.match(done.says, /^Done! .*3 epochs, trained earlier\.$/);
  assert.equal(done.stopped, false);
});

test('a stopped run without records was stopped before its first batch', async (t) => {
  async function* nothing(): AsyncGenerator<TrainRecord> {
    pressStop();
    yield* await Promise.resolve<TrainRecord[]>([]);
  }
  const { epochs, stopped, says } = await watched(t, nothing());
  assert.deepEqual([epochs, stopped, says], [[], true, 'Stopped before the first batch.']);
});

test('a run that was read to its end before says so, and what to do', async (t) => {
  async function* over(): AsyncGenerator<TrainRecord> {
    yield* await Promise.resolve<TrainRecord[]>([]);
  }
  const { epochs, stopped, says } = await watched(t, over());
  assert.deepEqual([epochs, stopped], [[], true]);
  assert.match(says, /^Nothing was trained: this run had ended before\. Make a new one with train\(…\)\.$/);
});
