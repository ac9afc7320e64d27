// One set-up at a time in a project folder. The lock is a socket name that Linux frees when the last process that holds the
// socket has ended, however it ended: there is no lock file to go stale.
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

let held;

/**
 * The lock's file descriptor, for the programs that set-up starts, or none. They hold the lock, too: when set-up is killed, what
 * it left running is waited for, because it still writes into what the next set-up would make.
 * @returns {number[]}
 */
export const lockDescriptors = () => (held ? [held._handle.fd] : []);

/**
 * Runs `body` while holding the folder's lock; waits while another process holds it.
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withLock(folder, body) {
  // The inode and not the path, so that a moved folder is still the same one.
  const { dev, ino } = statSync(folder);
  held = await hold(`\0cifar10-course-${dev}-${ino}`);
  try {
    return await body();
  } finally {
    await new Promise((done) => held.close(done));
    held = undefined;
  }
}

async function hold(name) {
  for (let tries = 0; ; tries++) {
    const server = createServer();
    const isOurs = await new Promise((done, fail) => {
      server.once('error', (error) => (error.code === 'EADDRINUSE' ? done(false) : fail(error)));
      server.listen(name, () => done(true));
    });
    if (isOurs) return server;
    if (tries === 0) console.log('Another set-up is at work in this folder: waiting for it to end.');
    await sleep(200);
  }
}
