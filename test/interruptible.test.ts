import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interruptible } from 'cifar10';

const pressStop = () => process.kill(process.pid, 'SIGINT');
const untilStopped = (stop: AbortSignal) =>
  new Promise<boolean>((resolve) => stop.addEventListener('abort', () => resolve(true)));

test('Stop reaches all that run at once, and who listened before is back afterwards, once', async () => {
  let heard = 0;
  const other = () => heard++;
  process.on('SIGINT', other);
  try {
    const before = process.listeners('SIGINT');
    const keepAlive = setTimeout(() => {}, 10_000);
    setTimeout(pressStop, 50);
    const first = interruptible(untilStopped);
    const late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => interruptible(untilStopped));
    const short = interruptible(() => Promise.resolve('at once'));
    assert.deepEqual(await Promise.all([first, late, short]), [true, true, 'at once']);
    clearTimeout(keepAlive);
    assert.deepEqual(process.listeners('SIGINT'), before);
    assert.equal(heard, 0);
  } finally {
    process.off('SIGINT', other);
  }
});
