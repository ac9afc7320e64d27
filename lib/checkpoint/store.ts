// Checkpoints in a folder. Each is three files: weights, state, and a manifest, renamed into place last, that commits both.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SaveError, explain, type Fingerprint, syncFolder, writePart } from '../disk';
import {
  decodeManifest,
  encodeManifest,
  fileName,
  type Info,
  type Manifest,
  MAX_ORDINAL,
  ordinalIn,
  UnknownVersion,
} from './manifest';
import { own } from './owner';
import { decodeSafetensors, encodeSafetensors, MAX_FILE_BYTES, type Tensors } from './safetensors';

/** What a checkpoint keeps. */
export interface CheckpointContent {
  /** For PyTorch too: a file of its own, with these tensors and no others. */
  readonly weights: Tensors;
  /** What is needed beside the weights to go on, such as the optimiser's velocities. */
  readonly state: Tensors;
  /** Whatever JSON can hold: epoch, step, options, history. */
  readonly info: Info;
  /** Whether it is the best so far; the newest that says so is kept. Default: false. */
  readonly best?: boolean;
  /** Goes into the weights file, for whoever finds it alone. Default: { format: 'pt' }. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The ordinal with which this run began: those before it are other runs', and stay. Default: 1. */
  readonly since?: number;
}

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

/** Checkpoints of one training, which alone may write into the folder until it closes the store. */
export interface CheckpointStore {
  readonly folder: string;
  /**
   * Saves a checkpoint. When this returns, it is on the disk, and what is no longer to be kept has been removed.
   * @throws SaveError when it could not be saved; those before it are kept
   */
  save(this: void, content: CheckpointContent): CheckpointEntry;
  /** The ordinal of what is saved next. */
  next(this: void): number;
  latest(this: void, options?: LoadOptions): Checkpoint | undefined;
  best(this: void, options?: LoadOptions): Checkpoint | undefined;
  close(this: void): void;
}

/**
 * Opens a folder for a training to save checkpoints in, and makes it if need be.
 * @param options.keep how many of the newest checkpoints stay, beside the best. Default: 2
 * @throws SaveError when another training uses the folder, or it cannot be written
 */
export function openCheckpoints(folder: string, { keep = 2 }: { keep?: number } = {}): CheckpointStore {
  if (!Number.isSafeInteger(keep) || keep < 1)
    throw new RangeError(`keep: ${keep}; expected a whole number from 1 on.`);
  const path = resolve(folder);
  const damaged = new Set<number>();
  const remember = ({ onDamage = warn }: LoadOptions = {}) => ({
    onDamage: (damage: Damage) => {
      if (damage.isLasting) damaged.add(damage.ordinal);
      onDamage(damage);
    },
  });
  const owner = explained(path, () => own(path));
  let isOpen = true;
  return {
    folder: path,
    save: (content) =>
      explained(path, () => {
        if (!isOpen) throw new SaveError(`The store of ${path} was closed: open it again.`);
        owner.check();
        const manifest = write(path, content, owner.check);
        removeOld(path, manifest.ordinal, keep, { since: content.since ?? 1, damaged });
        return entryOf(path, manifest);
      }),
    next: () => nextOrdinal(path),
    latest: (options) => latestCheckpoint(path, remember(options)),
    best: (options) => bestCheckpoint(path, remember(options)),
    close() {
      isOpen = false;
      owner.release();
    },
  };
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

const warn = ({ message }: Damage): void => console.warn(message);

function explained<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw explain(error, path);
  }
}

function entryOf(folder: string, { ordinal, best, savedAt, info }: Manifest): CheckpointEntry {
  return { ordinal, best, savedAt, info, weightsFile: join(folder, fileName(ordinal, 'weights')) };
}

// Saving

function write(folder: string, content: CheckpointContent, checkOwner: () => void): Manifest {
  const { weights, state, info, best = false, metadata = { format: 'pt' } } = content;
  const ordinal = nextOrdinal(folder);
  if (ordinal > MAX_ORDINAL) throw new SaveError(`${folder} has no numbers left for checkpoints. Name another one.`);
  const place = (part: 'manifest' | 'weights' | 'state') => join(folder, fileName(ordinal, part));
  try {
    const files = {
      weights: writePart(`${place('weights')}.part`, encodeSafetensors(weights, metadata)),
      state: writePart(`${place('state')}.part`, encodeSafetensors(state)),
    };
    const manifest = { ordinal, savedAt: new Date(Date.now()).toISOString(), best, info, ...files };
    writePart(`${place('manifest')}.part`, [encodeManifest(manifest)]);
    checkOwner();
    for (const part of ['weights', 'state'] as const) renameSync(`${place(part)}.part`, place(part));
    syncFolder(folder); // both are there before the manifest says so
    renameSync(`${place('manifest')}.part`, place('manifest'));
    syncFolder(folder);
    return manifest;
  } catch (error) {
    remove(folder, ordinal);
    throw error;
  }
}

/** Keeps the newest of a run and its best; removes all others of it, and what was never committed. */
function removeOld(
  folder: string,
  newest: number,
  keep: number,
  { since, damaged }: { since: number; damaged: ReadonlySet<number> },
): void {
  const whole: Manifest[] = [];
  const kept = new Set<number>();
  for (const ordinal of committed(folder)) {
    if (ordinal < since) kept.add(ordinal);
    if (ordinal < since || damaged.has(ordinal)) continue;
    try {
      whole.push(readManifest(folder, ordinal));
    } catch (error) {
      if (error instanceof UnknownVersion || error instanceof Unread) kept.add(ordinal); // not ours to judge
    }
  }
  for (const { ordinal } of whole.slice(-keep)) kept.add(ordinal);
  const best = whole.filter((manifest) => manifest.best).pop();
  if (best) kept.add(best.ordinal);
  for (const ordinal of ordinals(folder)) if (ordinal < newest && !kept.has(ordinal)) remove(folder, ordinal);
}

/** The manifest first: without it, the others are nothing. What cannot be removed stays for the next time. */
function remove(folder: string, ordinal: number): void {
  for (const part of ['manifest', 'weights', 'state'] as const) {
    for (const ending of ['', '.part']) {
      try {
        rmSync(join(folder, fileName(ordinal, part) + ending), { force: true });
      } catch {
        if (part === 'manifest') return;
      }
    }
  }
}

// Loading

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

function readManifest(folder: string, ordinal: number): Manifest {
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
class Unread extends Error {}

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

// Names

/** Numbers of the checkpoints that have a manifest, ascending. */
function committed(folder: string): number[] {
  return ordinals(folder).filter((ordinal) => isThere(folder, ordinal));
}

const nextOrdinal = (folder: string): number => 1 + Math.max(0, ...ordinals(folder));

const isThere = (folder: string, ordinal: number): boolean => existsSync(join(folder, fileName(ordinal, 'manifest')));

/** All numbers that files of the folder have, ascending. */
function ordinals(folder: string): number[] {
  if (!existsSync(folder)) return [];
  const found = readdirSync(folder).flatMap((name) => ordinalIn(name) ?? []);
  return [...new Set(found)].sort((a, b) => a - b);
}
