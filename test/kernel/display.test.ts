import assert from 'node:assert/strict';
import { test } from 'node:test';
import { root } from './kernel';
import { live } from 'cifar10/kernel';

/** Simulates a notebook; returns what is drawn, in order. */
function pretendNotebook(): string[] {
  const drawn: string[] = [];
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the module that the library finds in a kernel
  const tslab = require(require.resolve('tslab/dist/jupyter', { paths: [root] })) as { lastWriteDisplayData: unknown };
  tslab.lastWriteDisplayData = ({ data }: { data: { 'text/plain': string } }) => drawn.push(data['text/plain']);
  return drawn;
}

test('an error in a pending update is thrown by the next call, once, and the display goes on working', async () => {
  const drawn = pretendNotebook();
  const display = live('first', { interval: 20 });
  const broken = () => {
    throw new Error('no chart of this');
  };
  display.update(broken);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.throws(() => display.update('second'), /no chart of this/);
  display.flush();
  assert.deepEqual(drawn, ['first', 'second']);
  display.update(broken);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.throws(() => display.flush(), /no chart of this/);
  display.flush();
  assert.deepEqual(drawn, ['first', 'second']);
});
