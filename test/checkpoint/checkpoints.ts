// Checkpoints whose content is known by their number, and what is done to them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bestCheckpoint, type Checkpoint, latestCheckpoint } from 'cifar10/checkpoint';
import { type CheckpointContent, openCheckpoints } from 'cifar10/checkpoint';

/** What the `step`-th checkpoint keeps; each fifth is the best. */
export function contentOf(step: number, size = 5_000): CheckpointContent {
  const values = (salt: number, length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * salt + step));
  return {
    weights: new Map([
      ['network.0.weight', { shape: [size / 10, 10], data: values(1, size) }],
      ['network.0.bias', { shape: [7], data: values(2, 7) }],
    ]),
    state: new Map([
      ['velocity.network.0.weight', { shape: [size / 10, 10], data: values(3, size) }],
      ['step', { shape: [], data: BigInt64Array.of(BigInt(step)) }],
    ]),
    info: { step, history: Array.from({ length: step % 50 }, (_, i) => ({ epoch: i, loss: i / 3 })), note: 'größer' },
    best: step % 5 === 0,
  };
}

/** Fails unless the checkpoint is, bit for bit, what some step saved; returns the step. */
export function assertWhole(checkpoint: Checkpoint | undefined, size?: number): number {
  assert.ok(checkpoint, 'there is a checkpoint');
  const step = checkpoint.info.step as number;
  const { weights, state, info, best } = contentOf(step, size);
  assert.deepEqual(byName(checkpoint.weights), byName(weights));
  assert.deepEqual(byName(checkpoint.state), byName(state));
  assert.deepEqual(checkpoint.info, info);
  assert.equal(checkpoint.best, best);
  return step;
}

const byName = (tensors: Checkpoint['weights']) => [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));

/** Where a test that saves very often need not wait for a disk. */
export const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A damaged checkpoint where none may be. */
export const noDamage = {
  onDamage: ({ message }: { message: string }) => assert.fail(message),
};

const writer = join(__dirname, 'checkpointWriter.js');

/**
 * Starts processes that save checkpoints and kills each at a random moment. After each, the newest checkpoint must be whole
 * and at least as new as the last that was reported saved.
 * @returns how many checkpoints were saved
 */
export async function killWriters(folder: string, kills: number): Promise<number> {
  let reported = 0;
  for (let kill = 0; kill < kills; kill++) {
    const child = spawn(process.execPath, [writer, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    const started = new Promise<void>((done) => child.stdout.on('data', (text) => ((output += String(text)), done())));
    const ended = new Promise<NodeJS.Signals | null>((done) => child.on('close', (_, signal) => done(signal)));
    await Promise.race([started, ended]);
    await sleep(Math.random() * 100);
    child.kill('SIGKILL');
    assert.equal(await ended, 'SIGKILL', 'the writer saved until it was killed');
    reported = Math.max(reported, ...output.split('\n').map(Number));
    if (reported === 0) continue; // killed in its first save
    const latest = latestCheckpoint(folder, noDamage);
    const step = assertWhole(latest);
    assert.ok(latest && latest.ordinal >= reported, `${latest?.ordinal} is at least ${reported}`);
    if (step >= 5) assert.equal(assertWhole(bestCheckpoint(folder, noDamage)), step - (step % 5));
  }
  return reported;
}

/**
 * Has a process killed at each change of the disk that two saves make, one after the other. After each, as above.
 * @param every 2 leaves out every other change
 * @returns how many kills there were
 */
export async function killAtEachChange(newFolder: () => string, every: number): Promise<number> {
  for (let [change, kills] = [1, 0]; ; change += every, kills++) {
    const folder = newFolder();
    const child = spawn(process.execPath, [writer, folder, String(change)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (text) => (output += String(text)));
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.ok(signal === 'SIGKILL' || code === 0, `change ${change}: the writer ended with ${signal ?? code}`);
    const reported = Number(output.trim().split('\n').pop());
    const latest = latestCheckpoint(folder, noDamage);
    const step = assertWhole(latest);
    assert.ok(latest && latest.ordinal >= reported && reported >= 3, `change ${change}: ${step} after ${reported}`);
    // Whoever goes on tidies up.
    const store = openCheckpoints(folder);
    store.save(contentOf(step + 1));
    store.close();
    const best = step >= 5 ? 1 : 0; // beside the newest two, if it is not among them
    const files = readdirSync(folder);
    assert.ok(files.length >= 6 && files.length <= 3 * (2 + best), `change ${change}: ${files.join(', ')}`);
    assert.ok(!files.some((name) => name.endsWith('.part') || name.startsWith('.')), files.join(', '));
    if (signal === null) return kills;
  }
}

/** Two checkpoints; the names of the newer one's three files. */
export function saveTwo(folder: string, size: number): string[] {
  const store = openCheckpoints(folder);
  store.save(contentOf(1, size));
  store.save(contentOf(2, size));
  store.close();
  return readdirSync(folder).filter((name) => name.startsWith('checkpoint-00000002'));
}

/** Does something to a file's bytes, loads, and puts them back; fails unless the damage is told of and the one before used. */
export function damageOnce(folder: string, name: string, change: (bytes: Buffer) => Uint8Array, size: number): void {
  const file = join(folder, name);
  const bytes = readFileSync(file);
  writeFileSync(file, change(Buffer.from(bytes)));
  const damages: string[] = [];
  const latest = latestCheckpoint(folder, { onDamage: ({ message }) => damages.push(message) });
  assert.equal(damages.length, 1);
  assert.ok(damages[0].includes(file), damages[0]);
  assert.equal(assertWhole(latest, size), 1);
  writeFileSync(file, bytes);
}

/**
 * Changes a byte at many offsets of each of a checkpoint's three files, one at a time.
 * @param most at most about so many offsets a file, evenly spread
 * @returns how many changes there were, each detected
 */
export function corruptEverywhere(folder: string, most: number): number {
  let tried = 0;
  const size = 100;
  for (const name of saveTwo(folder, size)) {
    const { length } = readFileSync(join(folder, name));
    for (let offset = 0; offset < length; offset += Math.max(1, Math.floor(length / most))) {
      const flip = 1 << (tried % 8);
      damageOnce(folder, name, (bytes) => bytes.fill(bytes[offset] ^ flip, offset, offset + 1), size);
      tried++;
    }
  }
  return tried;
}
