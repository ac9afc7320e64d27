// Gets CIFAR-10 into the project's `data/`: downloaded once, checked, unpacked, and moved into place as a whole.
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { syncFolder } from '../util/atomicFile';
import { bytes, download, DownloadError, type DownloadOptions, hasSha256 } from '../util/download';
import { acquireLock, type Lock, LockedError } from '../util/lock';
import { PROJECT_DATA } from '../util/paths';

/** The folder that CIFAR-10's archive holds. */
export const ARCHIVE_FOLDER = 'cifar-10-batches-bin';

/** A .tar.gz whose sha256 is known. */
export type Archive = Pick<DownloadOptions, 'urls' | 'size' | 'sha256'> & { readonly name: string };

export const OFFICIAL_ARCHIVE: Archive = {
  name: 'cifar-10-binary.tar.gz',
  urls: [
    'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz', // home; slow since 2026
    'https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz',
  ],
  size: 170_052_171,
  sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
};

export type EnsureOptions = Omit<Partial<DownloadOptions>, 'urls' | 'size' | 'sha256' | 'to'> & {
  /** Where the data goes. Default: the project's `data/`. */
  readonly data?: string;
  readonly archive?: Archive;
};

/**
 * Ensures that the data set is in `data/cifar-10-batches-bin`, and returns that folder. If it is not, the archive is taken
 * from `data/` where somebody has put it, else downloaded; one process at a time. CIFAR10_URL takes the place of the first URL.
 * @throws Error that says how to go on by hand when there is no network, no space, or no proper archive
 */
export async function ensureData(options: EnsureOptions = {}): Promise<string> {
  const { data = PROJECT_DATA, archive = OFFICIAL_ARCHIVE, onMessage = () => {} } = options;
  const target = join(data, ARCHIVE_FOLDER);
  const placed = join(data, archive.name);
  const to = `${target}.tar.gz`; // of a download
  let lock: Lock | undefined;
  try {
    if (!existsSync(target)) lock = await waitForLock(data, options);
    if (existsSync(target)) {
      await rm(to, { force: true }); // of a process that was killed
      return target;
    }
    if (!existsSync(placed)) {
      const [home, ...mirrors] = archive.urls;
      const urls = [process.env.CIFAR10_URL || home, ...mirrors];
      onMessage(`Downloading CIFAR-10 (${bytes(archive.size)}, once) from ${urls[0]}`);
      await download({ ...options, ...archive, urls, to });
      onMessage('All of it has arrived, and its sha256 is right. Unpacking it.');
      await unpack(to, target);
      await rm(to);
      return target;
    }
    if (!(await hasSha256(placed, archive.sha256))) {
      throw new Error(
        `${placed} is not CIFAR-10's archive, or not all of it: its sha256 is not ${archive.sha256}. ` +
          `Delete it, and it will be downloaded; or put the right one there, of ${bytes(archive.size)}.`,
      );
    }
    await unpack(placed, target);
    return target;
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, archive, data, placed);
  } finally {
    lock?.release();
  }
}

async function waitForLock(data: string, { onMessage = () => {}, signal }: EnsureOptions): Promise<Lock> {
  for (let told = false; ; told = true) {
    try {
      return acquireLock(data, 'download');
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      if (!told) onMessage(`Process ${error.pid} is downloading CIFAR-10 already: waiting for it.`);
      await sleep(200 + 100 * Math.random(), undefined, { signal });
    }
  }
}

/** Unpacks the files of an archive that was checked, all into one folder, which is there in full or not at all. */
async function unpack(archive: string, folder: string): Promise<void> {
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true }); // half of one, by a process that was killed
  await mkdir(part);
  const entries = extract();
  const write = async () => {
    for await (const entry of entries) {
      if (entry.header.type !== 'file') {
        entry.resume();
        continue;
      }
      const file = await open(join(part, basename(entry.header.name)), 'w');
      await pipeline(entry, file.createWriteStream({ flush: true }));
    }
  };
  try {
    await Promise.all([pipeline(createReadStream(archive), createGunzip(), entries as unknown as Writable), write()]);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
  await rename(part, folder);
  syncFolder(join(folder, '..'));
}

function explain(error: NodeJS.ErrnoException, { urls, size }: Archive, data: string, placed: string): Error {
  const byHand =
    `To go on by hand: download ${urls[0]} in any way you like, put it at ${placed}, and load again; ` +
    'it is checked and unpacked then. Or set CIFAR10_DIR to a folder that has the six .bin files.';
  if (error instanceof DownloadError) {
    const kept = error.kept > 0 ? `\nThe ${bytes(error.kept)} that arrived are kept: the next try goes on there.` : '';
    return new Error(`CIFAR-10 could not be downloaded.\n  ${error.failures.join('\n  ')}${kept}\n${byHand}`);
  }
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new Error(
        `The disk is full: CIFAR-10 needs ${bytes(Math.ceil(2.1 * size))} in ${data} while it is unpacked. What has arrived is kept. ` +
          `Make room and load again, or set CIFAR10_DIR to a folder on another disk that has the six .bin files (from ${urls[0]}).`,
      );
    case 'EACCES':
    case 'EROFS':
    case 'EPERM':
      return new Error(`${data} cannot be written (${error.code}). Make it writable. ${byHand}`);
    default:
      return error;
  }
}
