// A stamp says that a step is done, and with what. It lies inside what it vouches for, is removed before the step begins
// and written after it has ended: whatever is half-made, removed or made from something else has no valid stamp.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Short fingerprint of all that a step depends on. */
export function fingerprint(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(JSON.stringify(part)).update('\n');
  return hash.digest('hex').slice(0, 16);
}

/** Whether the stamp in `file` says `version`. */
export function isStamped(file, version) {
  try {
    return readFileSync(file, 'utf8') === version;
  } catch {
    return false;
  }
}

/** Makes something under its stamp: unless `make` comes to its end, no valid stamp is left. */
export async function stamped(file, make, version) {
  rmSync(file, { force: true });
  await make();
  writeAtomically(file, version());
}

/** Writes a file whole or not at all. */
export function writeAtomically(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.partial`;
  writeFileSync(partial, content);
  renameSync(partial, file);
}
