// CIFAR-10 (Krizhevsky 2009): 60,000 photographs of ten kinds of things.
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Progress } from '../util/download';
import { pathProblem, PROJECT_DATA } from '../util/paths';
import { type Dataset, slice, type Split, toDataset } from './dataset';
import { ARCHIVE_FOLDER, ensureData } from './official';
import { progressLine } from './progress';
import { CLASS_NAMES, IMAGE_SHAPE, readRecords, TEST_FILE } from './records';

/** 50,000 training and 10,000 test images (300 and 200 of the sample), [32, 32, 3], ten classes. */
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
  /** Told of the download's progress. Default: a line that is written over and over. */
  readonly onProgress?: (progress: Progress) => void;
  /** Takes the lines that a user should see. Default: `console.log`. */
  readonly onMessage?: (line: string) => void;
  /** Ends a download; what has arrived is kept for the next one. */
  readonly signal?: AbortSignal;
}

/** The hash of the official files. */
const OFFICIAL = '5fdcf57d170bdbc7da569af1dabd64d7d3c7507e9e7aa861fc7b691d5355c232';

/**
 * The CIFAR-10 images and labels, in memory as bytes. They are downloaded once, into the project's `data/`, unless `dir`
 * or the environment variable CIFAR10_DIR names a folder that has them, or other files in the same layout.
 * @throws Error when there is no such folder, a file is damaged, or the download fails, with what to do
 */
export async function loadCifar10(options: LoadOptions = {}): Promise<Cifar10> {
  const { dir, sample = false, onMessage = console.log } = options;
  if (sample) return read(join(PROJECT_DATA, 'sample'));
  if (dir !== undefined) return readNamed(dir, 'the option dir', onMessage);
  if (process.env.CIFAR10_DIR) return readNamed(process.env.CIFAR10_DIR, 'CIFAR10_DIR', onMessage);
  const own = await ensure(options, onMessage);
  const data = await read(own);
  if (data.official) return data;
  throw new Error(
    `${own} does not hold the official CIFAR-10 files: their sha256 differ. Delete the folder, and they will be downloaded; ` +
      'to use other files, name their folder with the option dir or with CIFAR10_DIR.',
  );
}

async function readNamed(dir: string, by: string, onMessage: (line: string) => void): Promise<Cifar10> {
  const path = resolve(dir);
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new Error(`There is no folder ${path}, which ${by} names: ${pathProblem(dir) ?? 'check its name'}.`);
  if (!found.isDirectory()) {
    const advice = /\.(tar|t?gz)$/.test(path) ? ` Unpack it with tar -xf ${path}, and name the folder.` : '';
    throw new Error(`${path}, which ${by} names, is a file; expected the folder of the six .bin files.${advice}`);
  }
  const inside = join(path, ARCHIVE_FOLDER); // the archive unpacked in the folder that was named
  const data = await read(existsSync(inside) ? inside : path);
  if (!data.official) {
    const [train, test] = [data.train, data.test].map(({ size }) => size.toLocaleString('en-US'));
    onMessage(
      `${data.dir}: ${train} training and ${test} test images. These are not the official CIFAR-10 files (their sha256 differ); ` +
        `used because ${by} names them.`,
    );
  }
  return data;
}

async function ensure(options: LoadOptions, onMessage: (line: string) => void): Promise<string> {
  const line = progressLine('CIFAR-10');
  const { onProgress = line.onProgress, signal } = options;
  const onOwnLine = (message: string) => {
    line.end();
    onMessage(message);
  };
  try {
    return await ensureData({ onProgress, onMessage: onOwnLine, signal });
  } finally {
    line.end();
  }
}

async function read(dir: string): Promise<Cifar10> {
  const { images, labels, files } = await readRecords(dir);
  const all: Split = { images, labels, size: labels.length, imageShape: IMAGE_SHAPE, classNames: CLASS_NAMES };
  const testSize = files.find(({ name }) => name === TEST_FILE)?.size ?? 0;
  const trainSize = all.size - testSize;
  const data = toDataset({ train: slice(all, 0, trainSize), test: slice(all, trainSize, testSize) });
  const lines = files.map(({ name, sha256 }) => `${sha256}  ${name}\n`);
  const hash = createHash('sha256').update(lines.join('')).digest('hex');
  return Object.defineProperties(data, {
    dir: { value: dir, enumerable: true },
    official: { value: hash === OFFICIAL, enumerable: true },
    hash: { value: hash, enumerable: true },
  }) as Cifar10;
}
