// Reading checkpoints: whole ones only, every byte checked.
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Fingerprint } from '../util/atomicFile';
import { committed, isThere } from './folder';
import { decodeManifest, fileName, type Info, type Manifest, UnknownVersion } from './manifest';
import { decodeSafetensors, MAX_FILE_BYTES, type Tensors } from '../util/safetensors';

/** A checkpoint without its tensors. */
export interface CheckpointEntry {
  /** From 1, growing: the order of the checkpoints. */
  readonly ordinal: number;
  readonly best: boolean;
  /** ISO 8601. For people: the clock may have been set back. */
  readonly savedAt: string;
  readonly info: Info;
  /** Path of the safetensors file with the weights. */
  readonly weightsFile: string;
}

/** A checkpoint as it was saved: every byte has been checked. */
export interface Checkpoint extends CheckpointEntry {
  readonly weights: Tensors;
  readonly state: Tensors;
}

/** A checkpoint that cannot be used. */
export interface Damage {
  readonly ordinal: number;
  /** A sentence: which file, and what is wrong with it. */
  readonly message: string;
  /** Whether it will stay so: where only reading failed, another try may succeed. */
  readonly isLasting: boolean;
}

export interface LoadOptions {
  /** Told of each checkpoint that is passed over because it is damaged. Default: console.warn. */
  readonly onDamage?: (damage: Damage) => void;
}

/**
 * The newest checkpoint that is whole. Damaged ones are reported and passed over.
 * @returns undefined when there is none at all
 * @throws Error when there are checkpoints, but none of them can be used
 */
export function latestCheckpoint(folder: string, options: LoadOptions = {}): Checkpoint | undefined {
  return newestWhole(resolve(folder), () => true, options);
}

/** The newest whole one of those that were saved as the best; as `latestCheckpoint` in everything else. */
export function bestCheckpoint(folder: string, options: LoadOptions = {}): Checkpoint | undefined {
  return newestWhole(resolve(folder), ({ best }) => best, options);
}

/** The checkpoints of a folder, oldest first. Only their manifests are read and checked. */
export function listCheckpoints(folder: string, { onDamage = warn }: LoadOptions = {}): CheckpointEntry[] {
  const path = resolve(folder);
  const entries: CheckpointEntry[] = [];
  for (const ordinal of committed(path)) {
    try {
      entries.push(entryOf(path, readManifest(path, ordinal)));
    } catch (error) {
      if (error instanceof UnknownVersion) throw error;
      if (isThere(path, ordinal)) onDamage(damageOf(ordinal, error as Error));
    }
  }
  return entries;
}

const damageOf = (ordinal: number, error: Error): Damage => ({
  ordinal,
  message: error.message,
  isLasting: !(error instanceof Unread),
});

export const warn = ({ message }: Damage): void => console.warn(message);

export function entryOf(folder: string, { ordinal, best, savedAt, info }: Manifest): CheckpointEntry {
  return { ordinal, best, savedAt, info, weightsFile: join(folder, fileName(ordinal, 'weights')) };
}

function newestWhole(
  folder: string,
  isWanted: (manifest: Manifest) => boolean,
  { onDamage = warn }: LoadOptions,
): Checkpoint | undefined {
  const damages = new Map<number, string>();
  let others = false;
  for (let gone = true; gone;) {
    gone = false;
    for (const ordinal of committed(folder).reverse()) {
      if (damages.has(ordinal)) continue;
      try {
        const manifest = readManifest(folder, ordinal);
        if (isWanted(manifest)) return readTensors(folder, manifest);
        others = true;
      } catch (error) {
        if (error instanceof UnknownVersion) throw error;
        if (isThere(folder, ordinal)) {
          const damage = damageOf(ordinal, error as Error);
          damages.set(ordinal, damage.message);
          onDamage(damage);
        } else {
          gone = true; // a training that goes on has removed it meanwhile, and saved a newer one
          break;
        }
      }
    }
  }
  if (damages.size === 0) return undefined;
  const reasons = [...damages.values()].map((message) => `\n  ${message}`).join('');
  throw new Error(
    others
      ? `The best checkpoint in ${folder} can't be used.${reasons}\nThere are others: take the latest instead of the best.`
      : `No checkpoint in ${folder} can be used.${reasons}\nTo start anew, move the folder away or name another one.`,
  );
}

/** @throws Error for a manifest that is damaged; UnknownVersion; Unread */
export function readManifest(folder: string, ordinal: number): Manifest {
  const file = join(folder, fileName(ordinal, 'manifest'));
  return reading(file, () => decodeManifest(readBytes(file), ordinal));
}

function readTensors(folder: string, manifest: Manifest): Checkpoint {
  const { weights, state } = manifest;
  return {
    ...entryOf(folder, manifest),
    weights: readPart(join(folder, fileName(manifest.ordinal, 'weights')), weights),
    state: readPart(join(folder, fileName(manifest.ordinal, 'state')), state),
  };
}

function readPart(file: string, { size, sha256 }: Fingerprint): Tensors {
  return reading(file, () => {
    const bytes = readBytes(file, size);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new Error('it is damaged (its sha256 differs)');
    return decodeSafetensors(bytes, file).tensors;
  });
}

function readBytes(file: string, size?: number): Uint8Array {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) throw new Error('it is missing');
  if (!stat.isFile()) throw new Error('it is no file');
  if (stat.size > MAX_FILE_BYTES) throw new Error(`it has ${stat.size} bytes; expected at most ${MAX_FILE_BYTES}`);
  if (size !== undefined && stat.size !== size) throw new Error(`it has ${stat.size} bytes; expected ${size}`);
  return readFileSync(file);
}

/** The disk failed, not the file: what is in it is not known. */
export class Unread extends Error {}

/** Errors name the file. */
function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const message = `${file} cannot be used: ${(error as Error).message}.`;
    if (error instanceof UnknownVersion) throw new UnknownVersion(message);
    const isOfSystem = (error as NodeJS.ErrnoException).syscall !== undefined;
    throw isOfSystem ? new Unread(message, { cause: error }) : new Error(message, { cause: error });
  }
}
