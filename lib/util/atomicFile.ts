// Files that are there in full or not at all, also when the process is killed or the power fails.
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathProblem } from './paths';

/** Says what was not saved, why, and what to do. */
export class SaveError extends Error {
  override readonly name = 'SaveError';
  constructor(
    message: string,
    /** The system's name of the fault, such as ENOSPC. */
    readonly code?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What is known of a file's bytes. */
export interface Fingerprint {
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes a file under another name beside it, one of this process's own, flushes it to the disk, and renames it. Its folder
 * is made where there is none.
 * @throws SaveError when it can't be written; a file that was there is as it was
 */
export function writeFileSafely(file: string, pieces: readonly Uint8Array[]): void {
  checkPath(file);
  makeFolder(dirname(file));
  const part = `${file}.${process.pid}.part`;
  try {
    writePart(part, pieces, 'w');
    renameSync(part, file);
    syncFolder(dirname(file));
  } catch (error) {
    try {
      rmSync(part, { force: true });
    } catch {
      // the first error says more
    }
    throw explain(error, file);
  }
}

/**
 * Writes a file and flushes it to the disk; its name is safe only after `syncFolder`.
 * @param flag 'wx' refuses to overwrite
 */
export function writePart(file: string, pieces: readonly Uint8Array[], flag: 'w' | 'wx' = 'wx'): Fingerprint {
  const hash = createHash('sha256');
  let size = 0;
  const descriptor = openSync(file, flag);
  try {
    for (const piece of pieces) {
      hash.update(piece);
      size += piece.length;
      for (let done = 0; done < piece.length;) done += writeSync(descriptor, piece, done);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return { size, sha256: hash.digest('hex') };
}

/** Flushes the names of a folder's files to the disk, where the file system can do that. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some, such as folders shared with a virtual machine, don't know this of folders.
    if (!['EINVAL', 'EBADF', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes a folder, and those above it.
 * @throws SaveError when it can't be made
 */
export function makeFolder(folder: string): void {
  checkPath(folder);
  try {
    makeWithParents(resolve(folder));
  } catch (error) {
    throw explain(error, folder);
  }
}

/** By hand: mkdirSync's `recursive` never comes to an end below /proc, where a folder can't be made though its parent is there. */
function makeWithParents(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (existsSync(folder) && statSync(folder).isDirectory()) return;
    if (code !== 'ENOENT' || existsSync(dirname(folder))) throw error;
    makeWithParents(dirname(folder));
    mkdirSync(folder);
  }
  syncFolder(dirname(folder));
}

/**
 * The names in a folder; none, where there is no folder.
 * @throws Error when it is a file
 */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = pathProblem(folder);
    if (code === 'ENOENT' && problem) throw new Error(`There is no folder ${folder}: ${problem}.`, { cause: error });
    if (code === 'ENOENT') return [];
    if (code !== 'ENOTDIR') throw error;
    throw new Error(`${folder}: this or one above it is a file; expected a folder.`, { cause: error });
  }
}

/** @throws SaveError for a path that would make a folder named ~ or file: */
function checkPath(path: string): void {
  const problem = pathProblem(path);
  if (problem) throw new SaveError(`${path} can't be written: ${problem}.`);
}

/** What a system's error means for somebody who saves something. */
export function explain(error: unknown, path: string): unknown {
  if (error instanceof SaveError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const [found, advice] = REASONS[code] ?? ['Saving in PATH failed (REASON).', ''];
  const text = `${found} What was saved before is kept. ${advice}`.trim();
  return new SaveError(
    text
      .replace('REASON', () => message)
      .replace('CODE', code)
      .replace('PATH', () => path),
    code,
    {
      cause: error,
    },
  );
}

const FULL = ['The disk is full: nothing was saved in PATH.', 'Make room and try again.'];
const CLOSED = ['PATH cannot be written (CODE).', 'Make it writable, or name another place.'];
const FILE = ['PATH or one above it is a file, where a folder was expected (REASON).', 'Name another one.'];
const REASONS: Readonly<Partial<Record<string, readonly string[]>>> = {
  ...{ ENOSPC: FULL, EDQUOT: FULL, EROFS: CLOSED, EACCES: CLOSED, EPERM: CLOSED, ENOTDIR: FILE, EEXIST: FILE },
};
