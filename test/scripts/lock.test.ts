import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, startNode, temporaryFolder, until } from '../project';

/** Starts a process that runs `body` under the lock of `folder`, its working directory. */
function locked(folder: string, body: string) {
  const script = `
    import { lockDescriptors, withLock } from ${JSON.stringify(join(root, 'scripts', 'lock.mjs'))};
    import { appendFileSync } from 'node:fs';
    import { spawn } from 'node:child_process';
    import { setTimeout as sleep } from 'node:timers/promises';
    await withLock(process.cwd(), async () => { ${body} });`;
  return startNode(['--input-type=module', '-e', script], { cwd: folder });
}

test('one process at a time, and all get their turn', async (t) => {
  const folder = temporaryFolder(t);
  const body = `appendFileSync('turns', 'a'); await sleep(200); appendFileSync('turns', 'b');`;
  const ends = await Promise.all([1, 2, 3].map(() => locked(folder, body).ended));
  assert.deepEqual(
    ends.map(({ code }) => code),
    [0, 0, 0],
  );
  assert.equal(readFileSync(join(folder, 'turns'), 'utf8'), 'ababab');
});

test('another folder has a lock of its own', async (t) => {
  const holder = locked(temporaryFolder(t), `console.log('held'); await sleep(60_000);`);
  await until(() => holder.output().includes('held'), 'the lock');
  const { code, output } = await locked(temporaryFolder(t), `console.log('free');`).ended;
  holder.child.kill();
  assert.equal(code, 0);
  assert.equal(output, 'free\n');
});

test('a killed owner frees its lock as soon as what it started has ended', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'child');
  const stdio = `['ignore', 'ignore', 'ignore', ...lockDescriptors()]`;
  const owner = locked(
    folder,
    `appendFileSync('child', String(spawn('sleep', ['60'], { stdio: ${stdio} }).pid)); await sleep(60_000);`,
  );
  await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '', 'the child');
  owner.child.kill('SIGKILL');
  await owner.ended;
  const next = locked(folder, `console.log('mine');`);
  await until(() => next.output().includes('Another set-up is at work'), 'the next one to wait');
  process.kill(Number(readFileSync(file, 'utf8')));
  const { code, output } = await next.ended;
  assert.match(output, /mine\n$/);
  assert.equal(code, 0);
});

test('an error passes through and frees the lock', async (t) => {
  const folder = temporaryFolder(t);
  const { output } = await locked(folder, `throw new Error('passed through');`).ended;
  assert.match(output, /passed through/);
  assert.equal((await locked(folder, '').ended).code, 0);
});
