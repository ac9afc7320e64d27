import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { acquireLock, LockedError } from 'cifar10/util';
import { temporaryFolder } from '../project';

test('a lock is held by one taker, and free again after its release', (t) => {
  const folder = join(temporaryFolder(t), 'made');
  const first = acquireLock(folder, 'test');
  assert.throws(
    () => acquireLock(folder, 'test'),
    (error) => error instanceof LockedError && error.pid === process.pid,
  );
  assert.ok(first.isHeld());
  acquireLock(folder, 'another').release();
  first.release();
  acquireLock(folder, 'test').release();
  assert.deepEqual(readdirSync(folder), []);
});

test('a process can take its own lock over, and the earlier taker sees it', (t) => {
  const folder = temporaryFolder(t);
  const first = acquireLock(folder, 'test');
  const second = acquireLock(folder, 'test', { takeOver: true });
  assert.deepEqual([first.isHeld(), second.isHeld()], [false, true]);
  first.release();
  assert.ok(second.isHeld());
});

test('another living process keeps its lock; what it leaves when it is killed holds nothing', async (t) => {
  const folder = temporaryFolder(t);
  const code = `require('cifar10/util').acquireLock(process.argv[1], 'test'); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['-e', code, folder], { cwd: __dirname, stdio: 'inherit' });
  while (readdirSync(folder).length === 0) await new Promise((done) => setTimeout(done, 20));
  assert.throws(() => acquireLock(folder, 'test', { takeOver: true }), {
    message: `Process ${child.pid} is at work in ${folder}.`,
  });
  child.kill('SIGKILL');
  await new Promise((done) => child.on('exit', done));
  assert.equal(readdirSync(folder).length, 1);
  const lock = acquireLock(folder, 'test');
  assert.equal(readdirSync(folder).length, 1);
  lock.release();
});

test('a process that has our number, but began earlier, is not us', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, `.test-${process.pid}-1-abcd`), '');
  acquireLock(folder, 'test').release();
  assert.ok(!existsSync(join(folder, `.test-${process.pid}-1-abcd`)));
});
