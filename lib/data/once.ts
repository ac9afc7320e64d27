import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { syncFolder } from '../disk';
import { startOf } from '../processes';

/**
 * Makes a folder that is either there in full or not at all, however many processes want it and whenever they are
 * killed. `make` works in a folder beside it, named `NAME.part-PID-START` after its process, and returns the finished
 * folder in there, which is then renamed into place. What a dead process left is handed to the next `make`; while a
 * living one is at work, the others wait. The waiting only saves work: a process renames nothing but its own.
 *
 * @param onWait called again and again while another process is at work, with its process number and its folder.
 */
export async function makeOnce(
  target: string,
  make: (work: string) => Promise<string>,
  { onWait, signal }: { onWait?: (pid: number, work: string) => void; signal?: AbortSignal } = {},
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const mine = `${target}.part-${process.pid}-${startOf(process.pid) ?? 0}`;
  while (!existsSync(target)) {
    const others = await works(target);
    const busy = others.find(({ pid, start }) => startOf(pid) === start);
    if (busy) {
      onWait?.(busy.pid, busy.path);
      await sleep(300, undefined, { signal });
      continue;
    }
    if (!(await takeOver(others, mine))) continue;
    let done = existsSync(target); // by a process that finished meanwhile
    try {
      if (!done) {
        await moveIntoPlace(await make(mine), target);
        done = true;
      }
    } finally {
      // Set free, for the next try to go on with: process 0 is never alive.
      if (done || readdirSync(mine).length === 0) await rm(mine, { recursive: true, force: true });
      else await rename(mine, `${target}.part-0-${Date.now()}`);
    }
  }
  for (const { pid, start, path } of await works(target)) {
    if (startOf(pid) !== start) await rm(path, { recursive: true, force: true });
  }
}

interface Work {
  readonly path: string;
  readonly pid: number;
  readonly start: number;
}

async function works(target: string): Promise<Work[]> {
  const found: Work[] = [];
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(`${basename(target)}.part-`)) continue;
    const [, pid, start] = /\.part-(\d+)-(\d+)$/.exec(name) ?? [];
    if (pid !== undefined) found.push({ path: join(dirname(target), name), pid: Number(pid), start: Number(start) });
  }
  return found;
}

/** Makes the fullest of the abandoned folders mine, or a new one; false when another process was faster. */
async function takeOver(abandoned: readonly Work[], mine: string): Promise<boolean> {
  try {
    const [fullest] = abandoned.map(({ path }) => ({ path, bytes: bytesIn(path) })).sort((a, b) => b.bytes - a.bytes);
    if (fullest) await rename(fullest.path, mine);
    else await mkdir(mine);
    return true;
  } catch (error) {
    if (['ENOENT', 'EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

async function moveIntoPlace(made: string, target: string): Promise<void> {
  syncFolder(made);
  try {
    await rename(made, target);
  } catch (error) {
    if (!existsSync(target)) throw error; // else another process was faster, with the same
  }
  syncFolder(dirname(target));
}
