// Locks between processes: a file that carries its owner's process number. A lock of a process that has ended, however it
// ended, holds nothing.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startOf } from './processes';

export interface Lock {
  /** Whether nobody has taken it over. */
  isHeld(this: void): boolean;
  release(this: void): void;
}

/** Somebody else holds the lock. */
export class LockedError extends Error {
  constructor(
    folder: string,
    readonly pid: number,
  ) {
    super(`Process ${pid} is at work in ${folder}.`);
    this.name = 'LockedError';
  }
}

/**
 * Takes a lock in a folder, which is made where there is none. Each taker has a file of its own, made before it looks for the
 * others': of two that come at the same moment perhaps neither gets it, but never both.
 * @param options.takeOver whether to take it from an earlier taker in this process, which sees by `isHeld` that it lost it
 * @throws LockedError while another living process holds it (or this one, unless it is to be taken over)
 */
export function acquireLock(folder: string, name: string, { takeOver = false } = {}): Lock {
  const prefix = `.${name}-`;
  const mine = `${prefix}${process.pid}-${startOf(process.pid) ?? 0}-${randomBytes(4).toString('hex')}`;
  const release = () => {
    try {
      rmSync(join(folder, mine), { force: true });
    } catch {
      // The folder is out of reach. Whoever finds the file sees that its process has ended.
    }
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, mine), '', { flag: 'wx' });
  for (const other of readdirSync(folder).filter((file) => file.startsWith(prefix) && file !== mine)) {
    const [pid, start] = other.slice(prefix.length).split('-').map(Number);
    const isAlive = startOf(pid) === start;
    if (isAlive && !(takeOver && pid === process.pid)) {
      release();
      throw new LockedError(folder, pid);
    }
    rmSync(join(folder, other), { force: true });
  }
  return { isHeld: () => existsSync(join(folder, mine)), release };
}
