import { existsSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ARCHIVE_FOLDER, unpack } from './archive';
import { bytes, DiskError, download, DownloadError, hasSha256, type DownloadOptions } from './download';
import { OFFICIAL_FILES, RECORD_BYTES, type RecordFile } from './files';
import { makeOnce } from './once';

/** An archive that is known down to its last byte. */
export interface Archive {
  readonly name: string;
  readonly urls: readonly string[];
  readonly size: number;
  readonly sha256: string;
  readonly files: readonly RecordFile[];
}

export const OFFICIAL_ARCHIVE: Archive = {
  name: 'cifar-10-binary.tar.gz',
  urls: [
    'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz', // home; slow since 2026
    'https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz',
  ],
  size: 170_052_171,
  sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
  files: OFFICIAL_FILES,
};

/** The project's `data/`, three folders above this file's compiled form. */
export const PROJECT_DATA = resolve(__dirname, '..', '..', '..', 'data');

export type EnsureOptions = Pick<
  DownloadOptions,
  'onProgress' | 'onMessage' | 'signal' | 'stallSeconds' | 'retrySeconds'
> & {
  /** Where the data comes to stand: the project's `data/` if left out. */
  readonly data?: string;
  /** What to fetch: the official archive if left out. */
  readonly archive?: Archive;
};

/**
 * Sees to it that the data is in `data/cifar-10-batches-bin`, and returns that folder. If it is not there, the archive
 * is taken from `data/` where somebody has put it, else downloaded; checked; unpacked; and moved into place as a whole.
 * The environment variable CIFAR10_URL takes the place of the first address.
 *
 * @throws with advice on how to go on by hand when there is no network, no space, or no proper archive.
 */
export async function ensureData(options: EnsureOptions = {}): Promise<string> {
  const { data = PROJECT_DATA, archive = OFFICIAL_ARCHIVE, onMessage = () => {}, onProgress, signal } = options;
  const target = join(data, ARCHIVE_FOLDER);
  const placed = join(data, archive.name);
  let told = false;

  const make = async (work: string) => {
    const unpacked = join(work, 'unpacked');
    await rm(unpacked, { recursive: true, force: true }); // half of one, by a process that was killed
    if (existsSync(placed)) {
      if (!(await hasSha256(placed, archive.sha256)))
        throw new Error(
          `${placed} is not CIFAR-10's archive, or not all of it: its sha256 is not ${archive.sha256}. ` +
            `Delete it, and it will be downloaded; or put the right one there, of ${bytes(archive.size)}.`,
        );
      await unpack(placed, unpacked, archive.files);
      return unpacked;
    }
    const { urls, size, sha256 } = archive;
    const all = process.env.CIFAR10_URL ? [process.env.CIFAR10_URL, ...urls.slice(1)] : urls;
    onMessage(`Downloading CIFAR-10 (${bytes(size)}, once) from ${all[0]}`);
    const to = join(work, archive.name);
    await download({ ...options, urls: all, size, sha256, to });
    onMessage('All of it has arrived, and its sha256 is right. Unpacking it.');
    await unpack(to, unpacked, archive.files);
    return unpacked;
  };
  const onWait = (pid: number, work: string) => {
    if (!told) onMessage(`Process ${pid} is downloading CIFAR-10 already: waiting for it.`);
    told = true;
    const part = statSync(join(work, `${archive.name}.part`), { throwIfNoEntry: false });
    if (part) onProgress?.({ received: part.size, total: archive.size, bytesPerSecond: 0, secondsLeft: Infinity });
  };
  try {
    await makeOnce(target, make, { onWait, signal });
  } catch (error) {
    throw explain(error as Error, archive, data, placed);
  }
  return target;
}

function explain(error: Error, archive: Archive, data: string, placed: string): Error {
  const byHand =
    `To go on by hand: download ${archive.urls[0]} in any way you like, put it at ${placed}, and load again; ` +
    'it is checked and unpacked then. Or set CIFAR10_DIR to a folder that has the six .bin files.';
  if (error instanceof DownloadError) {
    const kept = error.kept > 0 ? `\nThe ${bytes(error.kept)} that arrived are kept: the next try goes on there.` : '';
    return new Error(`CIFAR-10 could not be downloaded.\n  ${error.failures.join('\n  ')}${kept}\n${byHand}`);
  }
  const code = error instanceof DiskError ? error.code : (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const needed = archive.size + archive.files.reduce((sum, { records }) => sum + records * RECORD_BYTES, 0);
    return new Error(
      `The disk is full: CIFAR-10 needs ${bytes(needed)} in ${data} while it is unpacked. ` +
        'What has arrived is kept. Make room and load again, or set CIFAR10_DIR to a folder on another disk ' +
        `that has the six .bin files (from ${archive.urls[0]}).`,
    );
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return new Error(`${data} cannot be written (${code}). Make it writable. ${byHand}`);
  return error;
}
