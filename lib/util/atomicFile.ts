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
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Says what was not saved, why, and what to do. */
export class SaveError extends Error {
  constructor(
    message: string,
    /** The system's name of the fault, such as ENOSPC. */
    readonly code?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'SaveError';
  }
}

/** What is known of a file's bytes. */
export interface Fingerprint {
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes a file under another name beside it (one of this process's own), makes sure that it is on the disk, then gives it its
 * name. Its folder is made where there is none.
 * @throws SaveError when it can't be written; a file that was there is as it was
 */
export function writeFileSafely(file: string, pieces: readonly Uint8Array[]): void {
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
      // what went wrong before says more
    }
    throw explain(error, file);
  }
}

/**
 * Writes a file and makes sure that it is on the disk; its name is not, before its folder was synced.
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

/** Makes sure that the names of a folder's files are on the disk, where the file system can be asked to. */
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
 * Makes a folder, and those above it. Node's own way of doing so never ends below /proc.
 * @throws SaveError when it can't be made
 */
export function makeFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    throw explain(error, folder);
  }
}

function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolders(parent);
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  syncFolder(parent);
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
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') {
      throw new Error(`${folder}: this or one above it is a file; expected a folder.`, { cause: error });
    }
    throw error;
  }
}

/** What a system's error means for somebody who trains. */
export function explain(error: unknown, path: string): unknown {
  if (error instanceof SaveError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const say = (text: string) => new SaveError(text, code, { cause: error });
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return say(
        `The disk is full: nothing was saved in ${path}. What was saved before is kept. Make room and try again.`,
      );
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return say(
        `${path} cannot be written (${code}). What was saved before is kept. Make it writable, or name another place.`,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return say(
        `${path}: this or one above it is a file, where a folder was expected (${message}). Name another one.`,
      );
    case undefined:
      return error;
    default:
      return say(`Saving in ${path} failed (${message}). What was saved before is kept.`);
  }
}
