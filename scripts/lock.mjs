// One set-up at a time in a project folder. A lock whose owner died is taken over, together with what it left running.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { state } from './paths.mjs';

const file = join(state, 'lock');
/** In the environment of every program that set-up starts: shows whose child it is. */
const MARK = 'CIFAR10_SETUP_ID';

/**
 * Runs `body` while holding the lock; waits while another process holds it.
 * @template T
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withLock(body) {
  mkdirSync(state, { recursive: true });
  const id = randomUUID();
  while (!take(`${process.pid} ${id}`)) {
    const [pid, owner] = readOwner();
    if (pid && isAlive(pid)) {
      console.log(`Another set-up is at work here (process ${pid}): waiting for it.`);
      while (isAlive(pid)) await sleep(300);
    }
    if (owner) stopChildrenOf(owner);
    if (readOwner()[1] === owner) rmSync(file, { force: true });
  }
  process.env[MARK] = id;
  try {
    return await body();
  } finally {
    delete process.env[MARK];
    rmSync(file, { force: true });
  }
}

function take(content) {
  try {
    writeFileSync(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner() {
  try {
    const [pid, id] = readFileSync(file, 'utf8').split(' ');
    return [Number(pid), id];
  } catch {
    return [0, ''];
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node');
  } catch {
    return false;
  }
}

/** A killed set-up leaves its installer running: it would write into what we are about to make. */
function stopChildrenOf(id) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${MARK}=${id}`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // not ours to read, or gone
    }
  }
}
