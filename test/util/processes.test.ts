import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { startOf } from 'cifar10/util';

test('a living process has a start, always the same; a later one has a later one', async () => {
  const own = startOf(process.pid);
  assert.ok(own !== undefined && own > 0);
  assert.equal(startOf(process.pid), own);
  const child = spawn('sleep', ['60']);
  const start = startOf(child.pid!);
  assert.ok(start !== undefined && start > own);
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(startOf(child.pid!), undefined);
});

test('a process that has ended, but that nobody has asked how, is none', async (t) => {
  // The shell's child ends at once; what the shell then becomes never asks.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60']);
  t.after(() => parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const zombie = Number(String(line));
  assert.ok(zombie > 0);
  while (startOf(zombie) !== undefined) await new Promise((done) => setTimeout(done, 5));
  assert.doesNotThrow(() => process.kill(zombie, 0), 'it is still in the list of processes');
});

test('a number that no process has, has no start', () => {
  assert.equal(startOf(2 ** 22 + 1), undefined);
});
