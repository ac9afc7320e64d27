// Saving checkpoints in a folder. Each is three files: weights, state, and a manifest, renamed into place last, that commits both.
import { renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SaveError, explain, syncFolder, writePart } from '../util/atomicFile';
import { committed, nextOrdinal, ordinals } from './folder';
import {
  bestCheckpoint,
  type Checkpoint,
  type CheckpointEntry,
  type Damage,
  entryOf,
  latestCheckpoint,
  type LoadOptions,
  readManifest,
  Unread,
  warn,
} from './load';
import { encodeManifest, fileName, type Info, type Manifest, MAX_ORDINAL, UnknownVersion } from './manifest';
import { acquireLock } from './owner';
import { encodeSafetensors, type Tensors } from '../util/safetensors';

/** What a checkpoint keeps. */
export interface CheckpointContent {
  /** For PyTorch too: a file of its own, with these tensors and no others. */
  readonly weights: Tensors;
  /** What is needed beside the weights to go on, such as the optimizer's velocities. */
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
 * @throws RangeError when `keep` is no whole number from 1 on
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
  /** The last number that is this training's, or was there when it came. */
  let last = 0;
  const owner = explained(path, () => {
    const ownership = acquireLock(path, () => nextOrdinal(path) <= last + 1);
    last = nextOrdinal(path) - 1;
    return ownership;
  });
  let isOpen = true;
  return {
    folder: path,
    save: (content) =>
      explained(path, () => {
        if (!isOpen) throw new SaveError(`The store of ${path} was closed: open it again.`);
        owner.check();
        last = nextOrdinal(path);
        const manifest = write(path, content, last, owner.check);
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

function explained<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw explain(error, path);
  }
}

function write(folder: string, content: CheckpointContent, ordinal: number, checkOwner: () => void): Manifest {
  const { weights, state, info, best = false, metadata = { format: 'pt' } } = content;
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
