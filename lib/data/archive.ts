import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Extract, type Header } from 'tar-stream';
import { DiskError, onDisk } from './download';
import { RECORD_BYTES, type RecordFile } from './files';
import { readRecords } from './records';

/** The folder that CIFAR-10's archive holds. */
export const ARCHIVE_FOLDER = 'cifar-10-batches-bin';
/** Small files that may come with the records. */
const EXTRAS: readonly string[] = ['batches.meta.txt', 'readme.html'];
const EXTRA_BYTES = 100_000;

/**
 * Unpacks an archive of CIFAR-10 into a folder that does not exist yet, and reads every record of it once. Whatever is
 * not exactly the expected files is refused: a path outside, a link, a wrong size, a wrong sha256, a label above 9.
 *
 * @throws when the archive is refused or damaged; the folder is removed again.
 */
export async function unpack(archive: string, folder: string, files: readonly RecordFile[]): Promise<void> {
  await onDisk(() => mkdir(folder));
  try {
    await extractFiles(archive, folder, files);
    const { sha256 } = await readRecords(folder, files);
    for (const [i, file] of files.entries())
      if (file.sha256 && file.sha256 !== sha256[i]) throw new Error(`${file.name} is not the official one (sha256)`);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (error instanceof DiskError) throw error;
    throw new Error(`${basename(archive)} is refused, and nothing of it is kept: ${(error as Error).message}`, { cause: error });
  }
}

async function extractFiles(archive: string, folder: string, files: readonly RecordFile[]): Promise<void> {
  const sizes = new Map(files.map(({ name, records }) => [name, records * RECORD_BYTES]));
  const most = [...sizes.values()].reduce((sum, size) => sum + size) + EXTRAS.length * EXTRA_BYTES + 100_000;
  const entries = extract();
  const feeding = pipeline(createReadStream(archive), createGunzip({ chunkSize: 1 << 20 }), atMost(most), entries as unknown as Writable);
  const seen = new Set<string>();
  const saving = (async () => {
    for await (const entry of entries) {
      const name = checkEntry(entry.header, sizes);
      if (name && seen.has(name)) throw new Error(`it holds ${name} twice`);
      if (name) await save(entry, join(folder, name));
      else entry.resume();
      if (name) seen.add(name);
    }
  })();
  // A refusal ends the feeding too, so it is the refusal that says why.
  const [fed, saved] = await Promise.allSettled([feeding, saving]);
  if (saved.status === 'rejected') throw saved.reason;
  if (fed.status === 'rejected') throw fed.reason;
  const missing = [...sizes.keys()].filter((name) => !seen.has(name));
  if (missing.length > 0) throw new Error(`it lacks ${missing.join(', ')}`);
}

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

/** The name of the file to write; nothing for the folder itself. */
function checkEntry({ name, type, size }: Header, sizes: ReadonlyMap<string, number>): string | undefined {
  const quoted = JSON.stringify(name);
  if (type === 'directory' && name.replace(/^\.\//, '').replace(/\/$/, '') === ARCHIVE_FOLDER) return undefined;
  if (name.startsWith('/') || name.split('/').includes('..')) throw new Error(`${quoted} lies outside of its folder`);
  if (type !== 'file') throw new Error(`${quoted} is not a file but a ${type}`);
  const [folder, file, ...deeper] = name.replace(/^\.\//, '').split('/');
  const expected = sizes.get(file);
  if (folder !== ARCHIVE_FOLDER || deeper.length > 0 || (expected === undefined && !EXTRAS.includes(file)))
    throw new Error(`${quoted} does not belong to CIFAR-10`);
  if (expected !== undefined ? size !== expected : size > EXTRA_BYTES)
    throw new Error(`${quoted} has ${size} bytes instead of ${expected ?? `at most ${EXTRA_BYTES}`}`);
  return file;
}

async function save(entry: Entry, path: string): Promise<void> {
  const file = await onDisk(() => open(path, 'wx'));
  try {
    for await (const chunk of entry) await onDisk(() => file.writeFile(chunk as Uint8Array));
    await onDisk(() => file.sync());
  } finally {
    await file.close();
  }
}

/** A few kilobytes can unpack to gigabytes. */
function atMost(limit: number) {
  return async function* (source: AsyncIterable<Uint8Array>) {
    let total = 0;
    for await (const chunk of source) {
      total += chunk.length;
      if (total > limit) throw new Error(`it unpacks to more than the expected ${limit} bytes`);
      yield chunk;
    }
  };
}
