import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import fs, { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ARCHIVE_FOLDER } from 'cifar10/data';
import type { Progress } from 'cifar10/data';
import { RECORD_BYTES } from 'cifar10/data';
import { ensureData, OFFICIAL_ARCHIVE } from 'cifar10/data';
import { describeProgress, progressLine } from 'cifar10/data';
import { readRecords } from 'cifar10/data';
import {
  describeArchive,
  noise,
  properEntries,
  sendFile,
  serve,
  smallFiles,
  tarGz,
  temporaryFolder,
} from './fileServer';
import { smallDisk } from '../project';

const quick = { stallSeconds: 2, retrySeconds: 0.01 };

/** The archive, complete and checked, and nothing else, is what stands in `data`. */
async function assertComplete(data: string, alsoThere: string[] = []): Promise<void> {
  assert.deepEqual(readdirSync(data).sort(), [ARCHIVE_FOLDER, ...alsoThere].sort());
  const { labels } = await readRecords(join(data, ARCHIVE_FOLDER), smallFiles);
  assert.equal(labels.length, 130);
}

/** Nothing stands in place, but perhaps work that the next process can take over. */
function assertNothingInPlace(data: string): void {
  assert.ok(readdirSync(data).every((name) => name.startsWith(`${ARCHIVE_FOLDER}.part-`)));
}

/** ensureData in a process of its own. */
function inAnotherProcess(data: string, archive: object): ChildProcess {
  const code = `require('cifar10/data').ensureData(JSON.parse(process.argv[1]))
    .catch((error) => { console.error(error); process.exitCode = 1; });`;
  const options = JSON.stringify({ data, archive, ...quick });
  return spawn(process.execPath, ['-e', code, options], { cwd: __dirname, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** How much of a download is on the disk. */
function bytesKept(data: string): number {
  const parts = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.gz.part'));
  return parts.reduce((sum, name) => sum + statSync(join(data, name)).size, 0);
}

const ended = (child: ChildProcess) => new Promise<number | null>((done) => child.on('exit', done));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

test('the data is downloaded, unpacked and moved into place; a second time costs nothing', async (t) => {
  const data = join(temporaryFolder(t), 'data');
  const file = await tarGz(properEntries());
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file));
  const archive = describeArchive(file, [server.url]);
  assert.equal(await ensureData({ data, archive, ...quick }), join(data, ARCHIVE_FOLDER));
  await assertComplete(data);
  await ensureData({ data, archive, ...quick });
  assert.equal(server.requests.length, 1);
});

test('a download that was killed goes on in another process', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  let delay = 40;
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file, { delay }));
  const archive = describeArchive(file, [server.url]);
  const child = inAnotherProcess(data, archive);
  await until(() => bytesKept(data) > 0);
  child.kill('SIGKILL');
  await ended(child);
  assertNothingInPlace(data);
  const [work] = readdirSync(data);
  assert.ok(statSync(join(data, work, `${archive.name}.part`)).size > 0);
  delay = 0;
  await ensureData({ data, archive, ...quick });
  await assertComplete(data);
  assert.equal(server.requests.length, 2);
  assert.match(server.requests[1], /bytes=[1-9]\d*-/);
});

test('what a process that was killed while unpacking left is cleared away, and its archive is used', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const archive = describeArchive(file, ['http://127.0.0.1:9/not-needed']);
  const work = join(data, `${ARCHIVE_FOLDER}.part-${process.pid}-1`); // a process with our number, but an earlier one
  mkdirSync(join(work, 'unpacked'), { recursive: true });
  writeFileSync(join(work, 'unpacked', 'data_batch_1.bin'), noise(1000));
  writeFileSync(join(work, archive.name), file);
  mkdirSync(join(data, `${ARCHIVE_FOLDER}.part-1999999999-5`)); // and another one
  await ensureData({ data, archive, ...quick });
  await assertComplete(data);
});

test('killed at any moment, it leaves nothing, work to take over, or all of the data', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file, { delay: 2 }));
  const archive = describeArchive(file, [server.url]);
  const inWork = (...path: string[]) => readdirSync(data).some((work) => existsSync(join(data, work, ...path)));
  const moments = [
    () => readdirSync(data).length > 0,
    () => server.sent > 100_000,
    () => inWork('unpacked'),
    () => inWork('unpacked', 'data_batch_2.bin'),
    () => inWork('unpacked', 'test_batch.bin'),
    () => existsSync(join(data, ARCHIVE_FOLDER)),
  ];
  let kills = 0;
  for (const moment of moments) {
    const child = inAnotherProcess(data, archive);
    const end = ended(child);
    await until(() => moment() || child.exitCode !== null);
    child.kill('SIGKILL');
    if ((await end) === null) kills++;
    if (existsSync(join(data, ARCHIVE_FOLDER))) await readRecords(join(data, ARCHIVE_FOLDER), smallFiles);
    else assertNothingInPlace(data);
  }
  assert.ok(kills >= 2, `${kills} kills; the others came too late`);
  await ensureData({ data, archive, ...quick });
  await assertComplete(data);
});

test('of several processes at once one downloads, the others wait, and all have the data', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file, { delay: 40 }));
  const archive = describeArchive(file, [server.url]);
  const first = inAnotherProcess(data, archive);
  await until(() => server.sent > 0);
  const lines: string[] = [];
  const progress: Progress[] = [];
  const codes = await Promise.all([
    ended(first),
    ended(inAnotherProcess(data, archive)),
    ensureData({
      data,
      archive,
      ...quick,
      onMessage: (line) => lines.push(line),
      onProgress: (p) => progress.push(p),
    }),
  ]);
  assert.deepEqual(codes.slice(0, 2), [0, 0]);
  await assertComplete(data);
  assert.deepEqual(server.requests, ['/ all']);
  assert.deepEqual(lines, [`Process ${first.pid} is downloading CIFAR-10 already: waiting for it.`]);
  assert.ok(progress.length > 0);
});

test('when the process that downloads is killed, one that waits goes on', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  let delay = 40;
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file, { delay }));
  const archive = describeArchive(file, [server.url]);
  const child = inAnotherProcess(data, archive);
  await until(() => bytesKept(data) > 0);
  const waiting = ensureData({ data, archive, ...quick });
  delay = 0;
  child.kill('SIGKILL');
  await waiting;
  await assertComplete(data);
  assert.match(server.requests[1], /bytes=[1-9]\d*-/);
});

test('work that could not be set free is taken up again by the same process', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const nowhere = describeArchive(file, ['http://127.0.0.1:9/b']);
  const placed = join(data, nowhere.name);
  writeFileSync(placed, 'no archive');
  const rm = t.mock.method(fs.promises, 'rm', () => Promise.reject(new Error('EROFS: read-only file system')));
  await assert.rejects(ensureData({ data, archive: nowhere, ...quick }));
  rm.mock.restore();
  assert.ok(readdirSync(data).some((name) => name.includes(`.part-${process.pid}-`)));
  writeFileSync(placed, file);
  await ensureData({ data, archive: nowhere, ...quick });
  await assertComplete(data, [nowhere.name]);
});

test('two that begin at the same moment do no harm', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file, { delay: 2 }));
  const archive = describeArchive(file, [server.url]);
  const children = [1, 2, 3].map(() => ended(inAnotherProcess(data, archive)));
  const here = [ensureData({ data, archive, ...quick }), ensureData({ data, archive, ...quick })];
  assert.deepEqual(await Promise.all(children), [0, 0, 0]);
  await Promise.all(here);
  await assertComplete(data);
});

test('an archive that somebody has put there is checked and unpacked, and stays', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const archive = describeArchive(file, ['http://127.0.0.1:9/not-needed']);
  writeFileSync(join(data, archive.name), file);
  await ensureData({ data, archive, ...quick });
  await assertComplete(data, [archive.name]);
});

test('half an archive that somebody has put there is refused, with what to do', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const archive = describeArchive(file, []);
  writeFileSync(join(data, archive.name), file.slice(0, 1000));
  await assert.rejects(ensureData({ data, archive, ...quick }), /is not CIFAR-10's archive.*Delete it/);
  assert.deepEqual(readdirSync(data), [archive.name]);
});

test('an archive with the right hash and wrong content is refused, and not downloaded for ever', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries().slice(0, -2));
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file));
  const archive = describeArchive(file, [server.url]);
  await assert.rejects(ensureData({ data, archive, ...quick }), /is refused.*lacks test_batch\.bin/);
  assertNothingInPlace(data);
  assert.equal(server.requests.length, 1);
});

test('CIFAR10_URL takes the place of the first address; the mirror stays', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const server = await serve(t, (request, response, self) => {
    if (request.url === '/mirror') return sendFile(request, response, self, file);
    response.writeHead(404).end();
  });
  const archive = describeArchive(file, [`${server.url}/home`, `${server.url}/mirror`]);
  process.env.CIFAR10_URL = `${server.url}/mine`;
  t.after(() => delete process.env.CIFAR10_URL);
  await ensureData({ data, archive, ...quick });
  await assertComplete(data);
  assert.deepEqual(server.requests, ['/mine all', '/mirror all']);
});

test('without a network the error says how to go on by hand', async (t) => {
  const data = temporaryFolder(t);
  const archive = describeArchive(await tarGz(properEntries()), ['http://nowhere.invalid/a', 'http://127.0.0.1:9/b']);
  const error = await ensureData({ data, archive, ...quick }).then(
    () => assert.fail('there is no network'),
    (error: Error) => error,
  );
  assert.match(error.message, /CIFAR-10 could not be downloaded/);
  assert.match(error.message, /nowhere\.invalid\/a: no such server, or no network/);
  assert.match(error.message, /127\.0\.0\.1:9\/b: /);
  assert.ok(error.message.includes(`download http://nowhere.invalid/a in any way you like, put it at`));
  assert.ok(error.message.includes(join(data, archive.name)));
  assert.deepEqual(readdirSync(data), []);
});

test('a full disk is told, what has arrived is kept, and with more room it goes on', async (t) => {
  const data = smallDisk(t, '500k');
  if (data === undefined) return t.skip('only root can mount a small disk');
  const file = await tarGz(properEntries());
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file));
  const archive = describeArchive(file, [server.url]);
  writeFileSync(join(data, 'ballast'), noise(250_000)); // the archive does not fit
  await assert.rejects(
    ensureData({ data, archive, ...quick }),
    /The disk is full: CIFAR-10 needs 800,\d{3} bytes in .*kept/,
  );
  assert.equal(server.requests.length, 1);
  const kept = readdirSync(data).find((name) => name.includes('.part-'));
  assert.ok(kept && statSync(join(data, kept, `${archive.name}.part`)).size > 100_000);
  writeFileSync(join(data, 'ballast'), ''); // now it does, but not what it unpacks to
  await assert.rejects(ensureData({ data, archive, ...quick }), /The disk is full/);
  assert.match(server.requests[1], /bytes=[1-9]\d*-/);
  assert.ok(!existsSync(join(data, ARCHIVE_FOLDER)));
  execFileSync('mount', ['-o', 'remount,size=2m', data]);
  await ensureData({ data, archive, ...quick });
  await assertComplete(data, ['ballast']);
  assert.equal(server.requests.length, 2);
});

test('the official archive is described as it is published', () => {
  const { files, urls, size, sha256 } = OFFICIAL_ARCHIVE;
  assert.equal(size, 170_052_171);
  assert.equal(sha256, 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd');
  assert.ok(urls.every((url) => url.startsWith('https://') && url.endsWith('/cifar-10-binary.tar.gz')));
  assert.equal(
    files.reduce((sum, { records }) => sum + records * RECORD_BYTES, 0),
    6 * 30_730_000,
  );
  assert.equal(new Set(files.map((file) => file.sha256)).size, 6);
});

test('progress is one line with size, speed and the time that is left', () => {
  const progress = { received: 12_300_000, total: 170_052_171, bytesPerSecond: 1_200_000, secondsLeft: 131.4 };
  assert.equal(describeProgress(progress), '12.3 of 170.1 MB (7 %), 1.2 MB/s, 2 min 11 s left');
  assert.equal(
    describeProgress({ ...progress, bytesPerSecond: 70_000, secondsLeft: 2_253 * 2 }),
    '12.3 of 170.1 MB (7 %), 0.07 MB/s, 1 h 15 min left',
  );
  assert.equal(describeProgress({ ...progress, bytesPerSecond: 0, secondsLeft: Infinity }), '12.3 of 170.1 MB (7 %)');
  let written = '';
  const line = progressLine('CIFAR-10', (text) => (written += text));
  line.end();
  assert.equal(written, '');
  line.onProgress(progress);
  line.onProgress({ ...progress, received: progress.total, secondsLeft: 0 });
  line.end();
  const [, first, last] = written.split('\r');
  assert.match(first, /^CIFAR-10 {2}12\.3 of/);
  assert.match(last, /^CIFAR-10 {2}170\.1 of 170\.1 MB \(100 %\) +\n$/);
  assert.equal(last.length, first.length + 1); // it covers what stood there
});
