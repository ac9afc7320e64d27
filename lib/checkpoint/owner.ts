import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startOf } from '../util/processes';
import { SaveError, makeFolder } from '../util/atomicFile';

/** The right to write into a folder. */
export interface FolderLock {
  /** @throws SaveError when another training has taken the folder over */
  check(this: void): void;
  release(this: void): void;
}

/**
 * Makes this training the only one that writes into a folder, by a file `.training-PID-START-ID` in it. What a dead
 * process left, or an earlier training of this process, is taken over; the earlier one is told when it next saves.
 *
 * Each has its own file, made before it looks for the others': of two that come at the same moment, perhaps none may write,
 * but never both.
 *
 * @param isUntouched whether nobody else has written into the folder since: one may have come and gone
 * @throws SaveError while another living process owns the folder
 */
export function acquireLock(folder: string, isUntouched: () => boolean): FolderLock {
  const start = startOf(process.pid) ?? 0;
  const name = `.training-${process.pid}-${start}-${randomBytes(4).toString('hex')}`;
  const mine = join(folder, name);
  const others = () => readdirSync(folder).filter((other) => other.startsWith('.training-') && other !== name);
  const claim = () => {
    makeFolder(folder);
    writeFileSync(mine, '', { flag: 'wx' });
    for (const other of others()) {
      const pid = livingOwner(other);
      if (pid !== undefined && pid !== process.pid) {
        rmSync(mine, { force: true });
        throw new SaveError(
          `Another training (process ${pid}) saves its checkpoints in ${folder}. End it, or name another folder.`,
        );
      }
      rmSync(join(folder, other), { force: true });
    }
  };
  claim();
  return {
    check() {
      if (existsSync(mine)) return;
      if (existsSync(folder) && (others().length > 0 || !isUntouched())) {
        throw new SaveError(
          `Another training has taken over ${folder}: this one saves no more checkpoints there. Name another folder for one of them.`,
        );
      }
      claim(); // somebody has tidied up
    },
    release() {
      try {
        rmSync(mine, { force: true });
      } catch {
        // the folder is out of reach; who finds the file sees that its process is gone
      }
    },
  };
}

function livingOwner(name: string): number | undefined {
  const [, pid, start] = /^\.training-(\d+)-(\d+)-/.exec(name) ?? [];
  return pid !== undefined && startOf(Number(pid)) === Number(start) ? Number(pid) : undefined;
}
