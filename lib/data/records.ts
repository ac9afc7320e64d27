import { createHash } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PIXEL_BYTES, RECORD_BYTES, type RecordFile } from './files';

/** The records of several files, one after the other. */
export interface Records {
  /** [N, 32, 32, 3]: rows of interleaved red, green and blue. */
  readonly images: Uint8Array;
  /** [N], 0 to 9. */
  readonly labels: Uint8Array;
  /** sha256 of each file, in hexadecimal. */
  readonly sha256: readonly string[];
}

/**
 * Reads files of records, and turns each image from three planes into interleaved pixels.
 *
 * @throws when a file is missing, does not hold exactly the expected number of records, or has a label above 9.
 */
export async function readRecords(dir: string, files: readonly RecordFile[]): Promise<Records> {
  await checkSizes(dir, files);
  const total = files.reduce((sum, file) => sum + file.records, 0);
  // The records are read into the very buffer in which the images come to stand: record i begins at 3073·i, image i at
  // 3072·i, so an image never overwrites a record that has still to be read, and there is no second copy.
  const buffer = new Uint8Array(total * RECORD_BYTES);
  const labels = new Uint8Array(total);
  const sha256: string[] = [];
  const handles: FileHandle[] = [];
  const reads: Promise<void>[] = [];
  try {
    for (const file of files) handles.push(await open(join(dir, file.name)));
    const pieces = cut(files);
    const readAhead = () => {
      const piece = pieces[reads.length];
      if (!piece) return;
      const bytes = buffer.subarray(piece.record * RECORD_BYTES, (piece.record + piece.count) * RECORD_BYTES);
      const read = readFully(handles[piece.file], bytes, piece.offset * RECORD_BYTES);
      read.catch(() => {}); // seen where it is awaited, which an earlier error may prevent
      reads.push(read);
    };
    for (let i = 0; i < READS_AHEAD; i++) readAhead();
    let hash = createHash('sha256');
    for (const [i, { file, offset, record, count }] of pieces.entries()) {
      await reads[i];
      readAhead();
      hash.update(buffer.subarray(record * RECORD_BYTES, (record + count) * RECORD_BYTES));
      interleave(buffer, labels, record, count);
      const wrong = labels.subarray(record, record + count).findIndex((label) => label > 9);
      if (wrong >= 0)
        throw new Error(
          `${join(dir, files[file].name)}: record ${offset + wrong} has the label ${labels[record + wrong]}, ` +
            'but labels are 0 to 9. This is not CIFAR-10 in its binary version, or the file is damaged.',
        );
      if (offset + count === files[file].records) {
        sha256.push(hash.digest('hex'));
        hash = createHash('sha256');
      }
    }
  } finally {
    await Promise.allSettled(reads);
    await Promise.all(handles.map((handle) => handle.close()));
  }
  return { images: buffer.subarray(0, total * PIXEL_BYTES), labels, sha256 };
}

/** Reading goes on in other threads while this one hashes and interleaves; pieces of 3 MB stay in the cache meanwhile. */
const READS_AHEAD = 3;
const PIECE_RECORDS = 1000;

interface Piece {
  readonly file: number;
  /** First record, counted in the file. */
  readonly offset: number;
  /** First record, counted over all files. */
  readonly record: number;
  readonly count: number;
}

function cut(files: readonly RecordFile[]): Piece[] {
  const pieces: Piece[] = [];
  let record = 0;
  for (const [file, { records }] of files.entries()) {
    for (let offset = 0; offset < records; offset += PIECE_RECORDS) {
      const count = Math.min(PIECE_RECORDS, records - offset);
      pieces.push({ file, offset, record, count });
      record += count;
    }
  }
  return pieces;
}

async function checkSizes(dir: string, files: readonly RecordFile[]): Promise<void> {
  const sizes = await Promise.all(files.map(({ name }) => fileSize(join(dir, name))));
  const missing = files.filter((_, i) => sizes[i] === undefined).map(({ name }) => name);
  if (missing.length === files.length)
    throw new Error(`${dir} has none of CIFAR-10's files (data_batch_1.bin … data_batch_5.bin, test_batch.bin).`);
  if (missing.length > 0) throw new Error(`${dir} lacks ${missing.join(', ')}.`);
  for (const [i, { name, records }] of files.entries()) {
    const size = sizes[i] ?? 0;
    if (size === records * RECORD_BYTES) continue;
    const holds = size % RECORD_BYTES === 0 ? ` (${count(size / RECORD_BYTES)} records)` : '';
    throw new Error(
      `${join(dir, name)} has ${count(size)} bytes${holds}; ` +
        `expected ${count(records * RECORD_BYTES)}: ${count(records)} records of ${count(RECORD_BYTES)} bytes.`,
    );
  }
}

async function fileSize(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function readFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new Error('A file of CIFAR-10 became shorter while it was read.');
    done += bytesRead;
  }
}

/** Moves `count` records from 3073·i to their images at 3072·i, four pixels at a time (little-endian, as x64 is). */
function interleave(buffer: Uint8Array, labels: Uint8Array, first: number, count: number): void {
  const planes = new Uint8Array(PIXEL_BYTES);
  const fours = new Uint32Array(planes.buffer);
  const pixels = new Uint32Array(buffer.buffer, 0, Math.floor(buffer.length / 4));
  let to = (first * PIXEL_BYTES) / 4;
  for (let i = first; i < first + count; i++) {
    const start = i * RECORD_BYTES;
    labels[i] = buffer[start];
    planes.set(buffer.subarray(start + 1, start + RECORD_BYTES));
    for (let p = 0; p < 256; p++) {
      const r = fours[p]; // r4 r3 r2 r1, from the highest byte to the lowest
      const g = fours[p + 256];
      const b = fours[p + 512];
      pixels[to++] = (r & 0xff) | ((g & 0xff) << 8) | ((b & 0xff) << 16) | ((r & 0xff00) << 16); // r2 b1 g1 r1
      pixels[to++] = ((g >>> 8) & 0xff) | (b & 0xff00) | (r & 0xff0000) | ((g & 0xff0000) << 8); // g3 r3 b2 g2
      pixels[to++] = ((b >>> 16) & 0xff) | ((r >>> 24) << 8) | ((g >>> 24) << 16) | (b & 0xff000000); // b4 g4 r4 b3
    }
  }
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
