// CIFAR-10's binary files: rows of records of 3,073 bytes, the label and then 1,024 bytes of red, of green and of blue.
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../util/atomicFile';
import type { ImageShape } from './dataset';

export const IMAGE_SHAPE: ImageShape = [32, 32, 3];
export const PIXEL_BYTES = 32 * 32 * 3;
export const RECORD_BYTES = 1 + PIXEL_BYTES;

export const CLASS_NAMES: readonly string[] =
  'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');

export const TRAIN_FILES: readonly string[] = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
export const TEST_FILE = 'test_batch.bin';

export interface Records {
  /** [N, 32, 32, 3]: row by row, the channels of a pixel side by side. Those of the test file come last. */
  readonly images: Uint8Array;
  /** [N], 0 to 9. */
  readonly labels: Uint8Array;
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
}

/**
 * Reads those of the six files that a folder has.
 * @throws Error when there is none, saying what there is and what to do; when a file has part of a record, or a label above 9
 */
export async function readRecords(folder: string): Promise<Records> {
  const names = [...TRAIN_FILES, TEST_FILE].filter((name) => existsSync(join(folder, name)));
  if (names.length === 0) throw new Error(`${folder} has none of CIFAR-10's files, ${whatElse(folder)}.`);
  const sizes = names.map((name) => recordsIn(join(folder, name)));
  const total = sizes.reduce((sum, size) => sum + size);
  const images = new Uint8Array(total * PIXEL_BYTES);
  const labels = new Uint8Array(total);
  const files = [];
  let from = 0;
  for (const [i, name] of names.entries()) {
    const bytes = await readFile(join(folder, name));
    for (let record = 0; record < sizes[i]; record++) labels[from + record] = bytes[record * RECORD_BYTES];
    const wrong = labels.subarray(from, from + sizes[i]).findIndex((label) => label > 9);
    if (wrong >= 0) {
      const found = `record ${wrong} has the label ${labels[from + wrong]}; expected 0 to 9`;
      throw new Error(`${join(folder, name)}: ${found}. ${NOT_CIFAR10}`);
    }
    interleave(bytes, images.subarray(from * PIXEL_BYTES));
    files.push({ name, size: sizes[i], sha256: createHash('sha256').update(bytes).digest('hex') });
    from += sizes[i];
  }
  return { images, labels, files };
}

const NOT_CIFAR10 = 'The file is damaged, or not of CIFAR-10 in its binary version.';

function recordsIn(file: string): number {
  const { size } = statSync(file);
  if (size > 0 && size % RECORD_BYTES === 0) return size / RECORD_BYTES;
  const found = `${file} has ${size.toLocaleString('en-US')} bytes`;
  throw new Error(`${found}; expected a whole number of records of 3,073 bytes each. ${NOT_CIFAR10}`);
}

/** Turns the planes of each record into pixels. */
function interleave(records: Uint8Array, images: Uint8Array): void {
  let to = 0;
  for (let red = 1; red < records.length; red += RECORD_BYTES) {
    for (let pixel = red; pixel < red + 1024; pixel++) {
      images[to++] = records[pixel];
      images[to++] = records[pixel + 1024];
      images[to++] = records[pixel + 2048];
    }
  }
}

/** What a folder has instead of the files, and what to do. */
function whatElse(folder: string): string {
  const names = namesIn(folder);
  const has = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const binary = 'data_batch_1.bin … data_batch_5.bin, test_batch.bin';
  const archive = has(/^cifar-10-binary\.tar(\.gz)?$/);
  if (archive) return `but their archive: unpack it with tar -xf ${archive}`;
  if (has(/^(data_batch_\d|test_batch)\.bin\.gz$/)) return 'but compressed ones: unpack them with gunzip *.bin.gz';
  if (has(/^(data_batch_\d|batches\.meta|cifar-10-batches-py|cifar-10-python.*)$/))
    return `but the Python version: this needs the binary one, cifar-10-binary.tar.gz, with ${binary}`;
  if (has(/^(train\.bin|fine_label_names\.txt|cifar-100.*)$/))
    return `but CIFAR-100: this needs CIFAR-10, cifar-10-binary.tar.gz, with ${binary}`;
  const found = names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
  return `${binary}; it ${names.length > 0 ? `has ${found}` : 'is empty, or there is no such folder'}`;
}
