import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { syncFolder } from '../util/atomicFile';
import { startOf } from '../util/processes';

/** The folders in which this process works now. One that bears its number, and is not among them, was not set free. */
const atWork = new Set<string>();

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
    const busy = others.find(isBusy);
    if (busy) {
      onWait?.(busy.pid, busy.path);
      await sleep(300, undefined, { signal });
      continue;
    }
    if (!(await takeOver(others, mine))) continue;
    atWork.add(mine);
    let done = existsSync(target); // by a process that finished meanwhile
    try {
      if (!done) {
        await moveIntoPlace(await make(mine), target);
        done = true;
      }
    } finally {
      await setFree(mine, done, target);
      atWork.delete(mine);
    }
  }
  for (const work of await works(target)) {
    if (!isBusy(work)) await rm(work.path, { recursive: true, force: true });
  }
}

/** For the next try to go on with: process 0 is never alive. */
async function setFree(mine: string, done: boolean, target: string): Promise<void> {
  try {
    if (done || readdirSync(mine).length === 0) await rm(mine, { recursive: true, force: true });
    else await rename(mine, `${target}.part-0-${Date.now()}`);
  } catch {
    // What went wrong before says more; the next try finds the folder under this process's name.
  }
}

interface Work {
  readonly path: string;
  readonly pid: number;
  readonly start: number;
}

const isBusy = ({ path, pid, start }: Work): boolean =>
  startOf(pid) === start && (pid !== process.pid || atWork.has(path));

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
    if (abandoned.some(({ path }) => path === mine)) return true;
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
