import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ARCHIVE_FOLDER } from './archive';
import { type Dataset, toDataset, slice, type Split } from './dataset';
import type { Progress } from './download';
import { CLASS_NAMES, IMAGE_SHAPE, OFFICIAL_FILES, SAMPLE_FILES, type RecordFile } from './files';
import { ensureData, PROJECT_DATA } from './official';
import { progressLine } from './progress';
import { readRecords } from './records';

/** CIFAR-10: 50,000 training and 10,000 test images (300 and 200 of the sample), [32, 32, 3], ten classes. */
export interface Cifar10 extends Dataset {
  /** The folder that they were read from. */
  readonly dir: string;
  /** Whether these are the official files, byte for byte. */
  readonly official: boolean;
  /** Names the data: sha256 of what `sha256sum data_batch_{1..5}.bin test_batch.bin` prints. */
  readonly hash: string;
}

export interface LoadOptions {
  /** The folder of the six .bin files; else what CIFAR10_DIR names; else the project's `data/`, with a download. */
  readonly dir?: string;
  /** Takes the small sample that comes with the project: 300 training and 200 test images. */
  readonly sample?: boolean;
  /** Told of the download's progress; if left out, a line that is written over and over. */
  readonly onProgress?: (progress: Progress) => void;
  /** Takes the lines that a user should see; `console.log` if left out. */
  readonly onMessage?: (line: string) => void;
  /** Ends a download; what has arrived is kept for the next one. */
  readonly signal?: AbortSignal;
}

/**
 * The CIFAR-10 images and labels, in memory as bytes. They are downloaded once, into the project's `data/`, unless `dir`
 * or the environment variable CIFAR10_DIR names a folder that has them.
 *
 * @throws when a file is missing, has the wrong size or a label above 9, or when the download fails, with what to do.
 */
export async function loadCifar10(options: LoadOptions = {}): Promise<Cifar10> {
  const { dir, sample = false, onMessage = console.log } = options;
  if (sample) return read(join(PROJECT_DATA, 'sample'), SAMPLE_FILES);
  if (dir !== undefined) return readNamed(dir, 'the option dir', onMessage);
  if (process.env.CIFAR10_DIR) return readNamed(process.env.CIFAR10_DIR, 'CIFAR10_DIR', onMessage);
  const own = await ensure(options, onMessage);
  const advice =
    'Delete the folder, and they will be downloaded; to use other files, name their folder with the option dir or with CIFAR10_DIR.';
  const data = await read(own, OFFICIAL_FILES).catch((error: Error) => {
    throw new Error(`${error.message} ${advice}`, { cause: error });
  });
  if (!data.official) {
    throw new Error(`${own} does not hold the official CIFAR-10 files: their sha256 differ. ${advice}`);
  }
  return data;
}

async function readNamed(dir: string, by: string, onMessage: (line: string) => void): Promise<Cifar10> {
  const path = resolve(dir);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new Error(`There is no folder ${path}, which ${by} names.`);
  if (!found.isDirectory()) {
    throw new Error(`${path}, which ${by} names, is a file; expected the folder of the six .bin files.`);
  }
  const inside = join(path, ARCHIVE_FOLDER); // the archive unpacked in the folder that was named
  const data = await read(existsSync(inside) ? inside : path, OFFICIAL_FILES);
  if (!data.official)
    onMessage(`${data.dir}: not the official CIFAR-10 files (their sha256 differ); used because ${by} names them.`);
  return data;
}

async function ensure(options: LoadOptions, onMessage: (line: string) => void): Promise<string> {
  const line = progressLine('CIFAR-10');
  try {
    const { onProgress = line.onProgress, signal } = options;
    const onOwnLine = (message: string) => {
      line.end();
      onMessage(message);
    };
    return await ensureData({ onProgress, onMessage: onOwnLine, signal });
  } finally {
    line.end();
  }
}

async function read(dir: string, files: readonly RecordFile[]): Promise<Cifar10> {
  const records = await readRecords(dir, files);
  const testSize = files[files.length - 1].records;
  const trainSize = records.labels.length - testSize;
  const lines = files.map(({ name }, i) => `${records.sha256[i]}  ${name}\n`);
  const { images, labels } = records;
  const all: Split = { images, labels, size: labels.length, imageShape: IMAGE_SHAPE, classNames: CLASS_NAMES };
  const data = toDataset({ train: slice(all, 0, trainSize), test: slice(all, trainSize, testSize) });
  return Object.defineProperties(data, {
    dir: { value: dir, enumerable: true },
    official: { value: files.every(({ sha256 }, i) => sha256 === records.sha256[i]), enumerable: true },
    hash: { value: createHash('sha256').update(lines.join('')).digest('hex'), enumerable: true },
  }) as Cifar10;
}
