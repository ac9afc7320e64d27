import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { controls, playground, slider, type TrainRecord } from 'cifar10';
import { interruptible } from 'cifar10/kernel';

const pressStop = () => process.kill(process.pid, 'SIGINT');
const untilStopped = (stop: AbortSignal) =>
  new Promise<boolean>((resolve) => stop.addEventListener('abort', () => resolve(true)));

/** Somebody else who listens to Stop until the test ends; gives how often it was heard. */
function listenBeside(t: TestContext): () => number {
  let heard = 0;
  const other = () => heard++;
  process.on('SIGINT', other);
  t.after(() => process.off('SIGINT', other));
  return () => heard;
}

test('Stop reaches all that run at once, and who listened before is back afterwards, once', async (t) => {
  const heard = listenBeside(t);
  const before = process.listeners('SIGINT');
  const keepAlive = setTimeout(() => {}, 10_000);
  setTimeout(pressStop, 50);
  const first = interruptible(untilStopped);
  const late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => interruptible(untilStopped));
  const short = interruptible(() => Promise.resolve('at once'));
  assert.deepEqual(await Promise.all([first, late, short]), [true, true, 'at once']);
  clearTimeout(keepAlive);
  assert.deepEqual(process.listeners('SIGINT'), before);
  assert.equal(heard(), 0);
});

/** A playground behind the cells, as it is in JupyterLab: its first training, of one step, is over. */
async function openPlayground() {
  const MAX = 500;
  let [steps, done] = [1, 0];
  async function* run(): AsyncGenerator<TrainRecord> {
    for (let step = 1; step <= steps; step++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      done = step;
      yield { type: 'step', epoch: 1, epochs: 1, step, steps, loss: 1, accuracy: 0, lr: 1, imagesPerSecond: 1 };
    }
  }
  const play = await playground(controls({ lr: slider({ value: 0 }) }), { model: () => ({ dispose() {} }), run });
  steps = MAX;
  return { play, wasStopped: () => done < MAX };
}

test('Stop reaches a playground that trains behind a cell, and the cell, too', async (t) => {
  t.mock.method(console, 'log', () => {});
  const before = process.listeners('SIGINT');
  const { play, wasStopped } = await openPlayground();
  const training = play.train();
  const cell = interruptible(untilStopped);
  setTimeout(pressStop, 50);
  await training;
  assert.ok(wasStopped(), 'the training went on to its end');
  assert.equal(await cell, true);
  assert.deepEqual(process.listeners('SIGINT'), before);
});

test('a playground that ends while a cell runs leaves nothing behind, and Stop is still for the cell', async (t) => {
  t.mock.method(console, 'log', () => {});
  const heard = listenBeside(t);
  const before = process.listeners('SIGINT');
  const { play } = await openPlayground();
  const training = play.train();
  const keepAlive = setTimeout(() => {}, 10_000);
  const cell = interruptible(async (stop) => {
    await play.stop();
    setTimeout(pressStop, 10);
    return untilStopped(stop);
  });
  assert.equal(await cell, true);
  clearTimeout(keepAlive);
  await training;
  assert.equal(heard(), 0, 'who listened before heard of it');
  assert.deepEqual(process.listeners('SIGINT'), before);
});

test('a playground that goes on after the cell hears Stop, and so does who listened before', async (t) => {
  t.mock.method(console, 'log', () => {});
  const heard = listenBeside(t);
  const before = process.listeners('SIGINT');
  const { play, wasStopped } = await openPlayground();
  const training = play.train();
  await interruptible(() => new Promise((resolve) => setTimeout(resolve, 20)));
  pressStop();
  await training;
  assert.deepEqual([wasStopped(), heard()], [true, 1]);
  assert.deepEqual(process.listeners('SIGINT'), before);
});
