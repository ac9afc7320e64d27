// One set-up at a time in a project folder. The lock is a socket name that Linux frees when its owner ends, however it
// ends: there is no lock file to go stale.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** In the environment of every program that set-up starts: shows whose child it is. */
const MARK = 'CIFAR10_SET_UP';

/**
 * Runs `body` while holding the folder's lock; waits while another process holds it.
 * What a killed owner left running is stopped first: it would write into what `body` is about to make.
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withLock(folder, body) {
  // The inode and not the path, so that a moved folder is still the same one.
  const { dev, ino } = statSync(folder);
  const id = `${dev}-${ino}`;
  const release = await hold(`\0cifar10-course-${id}`);
  try {
    await stopLeftovers(`${MARK}=${id}`);
    process.env[MARK] = id;
    return await body();
  } finally {
    delete process.env[MARK];
    await release();
  }
}

async function hold(name) {
  for (let tries = 0; ; tries++) {
    const server = createServer();
    const isOurs = await new Promise((done, fail) => {
      server.once('error', (error) => (error.code === 'EADDRINUSE' ? done(false) : fail(error)));
      server.listen(name, () => done(true));
    });
    if (isOurs) return () => new Promise((done) => server.close(done));
    if (tries === 0) console.log('Another set-up is at work in this folder: waiting for it to end.');
    await sleep(200);
  }
}

/** Kills the processes that have `entry` in their environment, and those that they start meanwhile. */
async function stopLeftovers(entry) {
  for (let pids = withEnvironment(entry); pids.length > 0; pids = withEnvironment(entry)) {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // ended by itself
      }
    }
    await sleep(20);
  }
}

function withEnvironment(entry) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(entry);
      } catch {
        return false; // another user's, or gone
      }
    })
    .map(Number);
}
