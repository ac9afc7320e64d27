// Processes that are killed while they save, at any moment: nothing that was saved is lost.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deepCnn, restore, type TrainRecord } from 'cifar10';
import { temporaryFolder } from '../project';
import { killAtEachChange, killWriters, memory } from './checkpoints';

test('a writer that is killed at any moment loses nothing that it had saved', async (t) => {
  const saved = await killWriters(temporaryFolder(t, memory), 25);
  assert.ok(saved > 0);
  t.diagnostic(`25 kills survived, ${saved} checkpoints saved`);
});

test('a writer that is killed just before it changes the disk, here or there, loses nothing', async (t) => {
  const kills = await killAtEachChange(() => temporaryFolder(t, memory), 3);
  assert.ok(kills >= 15, `${kills} kills`);
  t.diagnostic(`${kills} kills survived`);
});

/** A training in a process of its own, which prints a line a step and saves often. */
const script = (dir: string) => `
  const { deepCnn, loadCifar10, randomCrop, randomFlip, sgd, train, withCheckpoints } = require('cifar10');
  (async () => {
    const data = await loadCifar10({ sample: true });
    const model = deepCnn({ widths: [4, 4, 8, 8, 8, 8], seed: 1 });
    const options = { epochs: 3, batchSize: 70, optimizer: sgd({ lr: 0.05, momentum: 0.9 }), seed: 5,
      precision: 'float32', augment: [randomCrop(4), randomFlip()] };
    const run = withCheckpoints(train(model, data, options), { dir: ${JSON.stringify(dir)}, everySeconds: 0.01 });
    for await (const record of run) console.log(JSON.stringify(record));
  })();`;

/** Runs it until it has printed so many steps, then sends the signal, more than once. */
function startAndSignal(
  dir: string,
  steps: number,
  signal?: NodeJS.Signals,
): Promise<{ lines: TrainRecord[]; code: number | null; by: string | null }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['-e', script(dir)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (!signal || text.split('"type":"step"').length <= steps) return;
      for (const ms of [0, 10, 30]) setTimeout(() => child.kill(signal), ms);
    });
    child.on('close', (code, by) => {
      const lines = text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as TrainRecord);
      resolve({ lines, code, by });
    });
  });
}

test('a process that was killed, again and again, ends as one that never was', async (t) => {
  const straight = await startAndSignal(temporaryFolder(t), Infinity);
  const dir = temporaryFolder(t);
  await startAndSignal(dir, 3, 'SIGKILL');
  await startAndSignal(dir, 4, 'SIGKILL');
  const last = await startAndSignal(dir, Infinity);
  const epochs = (lines: TrainRecord[]) =>
    lines.flatMap((line) => (line.type === 'epoch' ? [[line.epoch, line.lr, line.train, line.test]] : []));
  assert.equal(last.code, 0);
  assert.deepEqual(epochs(last.lines), epochs(straight.lines));
});

test('SIGTERM, once or repeated, saves and then ends the process the way that a shell calls 143', async (t) => {
  const dir = temporaryFolder(t);
  const { by, lines } = await startAndSignal(dir, 2, 'SIGTERM');
  assert.equal(by, 'SIGTERM');
  const model = deepCnn({ widths: [4, 4, 8, 8, 8, 8], seed: 1 });
  const { epoch, step } = restore(model, dir);
  const seen = lines.filter(({ type }) => type === 'step').length;
  // The line of the last step may still be in the pipe when the process ends.
  const saved = 5 * (epoch - 1) + step;
  assert.ok(saved === seen || saved === seen + 1, `saved after ${saved} steps, ${seen} were told`);
  model.dispose();
});

test('a run that nobody reads on does not keep its process alive when asked to end again, seconds later', async (t) => {
  const code = script(temporaryFolder(t)).replace(
    'for await',
    'await run.next(); setInterval(() => {}, 1000); console.log(1); return; for await',
  );
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const early = await Promise.race([ended, sleep(5500, 'lives')]);
  assert.equal(early, 'lives', 'it waits for the step and the save first');
  // The child's clock began when it was told, which may be later.
  const again = setInterval(() => child.kill('SIGTERM'), 500);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  clearInterval(again);
});
