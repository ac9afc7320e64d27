import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CLASS_NAMES, OFFICIAL_FILES, PIXEL_BYTES, SAMPLE_FILES } from './files';
import { readRecords, type Records } from './records';

/** Images with their labels. */
export interface Split {
  /** [N, 32, 32, 3], uint8: rows of interleaved red, green and blue. */
  readonly images: Uint8Array;
  /** [N], uint8: 0 to 9, the index of a class name. */
  readonly labels: Uint8Array;
  /** N. */
  readonly size: number;
}

export interface Cifar10 {
  /** 50,000 images (300 of the sample). */
  readonly train: Split;
  /** 10,000 images (200 of the sample). */
  readonly test: Split;
  /** The ten classes: `classNames[label]`. */
  readonly classNames: readonly string[];
  /** The folder that they were read from. */
  readonly dir: string;
  /** Whether these are the official files, byte for byte. */
  readonly official: boolean;
  /** Names the data: sha256 of what `sha256sum data_batch_{1..5}.bin test_batch.bin` prints. */
  readonly hash: string;
}

export interface LoadOptions {
  /** The folder of the six .bin files. Else the environment variable CIFAR10_DIR, else `data/` of the project. */
  readonly dir?: string;
  /** Takes the small sample that comes with the project: 300 training and 200 test images. */
  readonly sample?: boolean;
  /** Where a line that the user should see goes; `console.log` if left out. */
  readonly onMessage?: (line: string) => void;
}

/**
 * The CIFAR-10 images and labels, in memory as bytes.
 *
 * @throws when a file is missing, has the wrong size, or holds a label above 9.
 */
export async function loadCifar10(options: LoadOptions = {}): Promise<Cifar10> {
  const { sample = false, onMessage = console.log } = options;
  if (sample) return toCifar10(join(PROJECT_DATA, 'sample'), SAMPLE_FILES, 250);
  const [named, by] = options.dir ? [options.dir, 'dir'] : [process.env.CIFAR10_DIR, 'CIFAR10_DIR'];
  if (!named) throw new Error('Name a folder.');
  const data = await toCifar10(resolve(named), OFFICIAL_FILES, 50_000);
  if (!data.official)
    onMessage(`${data.dir}: not the official CIFAR-10 files (their sha256 differ); taken because ${by} names them.`);
  return data;
}
const PROJECT_DATA = resolve(__dirname, '..', '..', '..', 'data');
async function toCifar10(dir: string, files: typeof OFFICIAL_FILES, train: number): Promise<Cifar10> {
  const records = await readRecords(dir, files);
  const lines = files.map(({ name }, i) => `${records.sha256[i]}  ${name}\n`);
  return {
    train: split(records, 0, train),
    test: split(records, train),
    classNames: CLASS_NAMES,
    dir,
    official: files.every(({ sha256 }, i) => sha256 === records.sha256[i]),
    hash: createHash('sha256').update(lines.join('')).digest('hex'),
  };
}

function split({ images, labels }: Records, from: number, to = labels.length): Split {
  return {
    images: images.subarray(from * PIXEL_BYTES, to * PIXEL_BYTES),
    labels: labels.subarray(from, to),
    size: to - from,
  };
}
void existsSync;
