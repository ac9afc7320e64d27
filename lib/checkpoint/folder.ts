// Which checkpoints a folder has, by the names of its files.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../util/atomicFile';
import { fileName, ordinalIn } from './manifest';

/** Numbers of the checkpoints that have a manifest, ascending. */
export function committed(folder: string): number[] {
  return ordinals(folder).filter((ordinal) => isThere(folder, ordinal));
}

/** The ordinal of what is saved next. */
export const nextOrdinal = (folder: string): number => 1 + Math.max(0, ...ordinals(folder));

/** Whether a checkpoint has a manifest: without it, its other files are nothing. */
export const isThere = (folder: string, ordinal: number): boolean =>
  existsSync(join(folder, fileName(ordinal, 'manifest')));

/** All numbers that files of the folder have, ascending. */
export function ordinals(folder: string): number[] {
  const found = namesIn(folder).flatMap((name) => ordinalIn(name) ?? []);
  return [...new Set(found)].sort((a, b) => a - b);
}
