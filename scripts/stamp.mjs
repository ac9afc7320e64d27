// A stamp says that a step is done, and with what. It lies inside what it vouches for and is written last, so that
// whatever is half-made, removed or made from something else has no valid stamp, and is made again.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Short fingerprint of anything that a step depends on. */
export const fingerprint = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts)
    hash.update(typeof part === 'string' || part instanceof Uint8Array ? part : JSON.stringify(part)).update('\0');
  return hash.digest('hex').slice(0, 16);
};

/** Writes a file whole or not at all. */
export function writeAtomically(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.partial`;
  writeFileSync(partial, content);
  renameSync(partial, file);
}

export const isStamped = (folder, value) => fileHolds(join(folder, '.set-up'), value);
export const stamp = (folder, value) => writeAtomically(join(folder, '.set-up'), value);
export const fileHolds = (file, content) => existsSync(file) && readFileSync(file, 'utf8') === content;
