import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ARCHIVE_FOLDER, ensureData, OFFICIAL_ARCHIVE, progressLine, readRecords, TEST_FILE } from 'cifar10/data';
import {
  describeArchive,
  noise,
  properEntries,
  sendFile,
  serve,
  tarGz,
  temporaryFolder,
} from './fileServer';
import { smallDisk } from '../project';

const quick = { stallSeconds: 2, retrySeconds: 0.01 };

/** The archive, complete and checked, and nothing else, is what stands in `data`. */
async function assertComplete(data: string, alsoThere: string[] = []): Promise<void> {
  const there = readdirSync(data).filter((name) => !name.startsWith('.download-')); // locks of killed processes
  assert.deepEqual(there.sort(), [ARCHIVE_FOLDER, ...alsoThere].sort());
  const { labels } = await readRecords(join(data, ARCHIVE_FOLDER));
  assert.equal(labels.length, 130);
}

/** Nothing stands in place, but perhaps what the next process goes on with. */
function assertNothingInPlace(data: string): void {
  const working = [`${ARCHIVE_FOLDER}.tar.gz`, `${ARCHIVE_FOLDER}.tar.gz.part`, `${ARCHIVE_FOLDER}.part`];
  assert.deepEqual(
    readdirSync(data).filter((name) => !working.includes(name) && !name.startsWith('.download-')),
    [],
  );
}

/** ensureData in a process of its own. */
function inAnotherProcess(data: string, archive: object): ChildProcess {
  const code = `require('cifar10/data').ensureData(JSON.parse(process.argv[1]))
    .catch((error) => { console.error(error); process.exitCode = 1; });`;
  const options = JSON.stringify({ data, archive, ...quick });
  return spawn(process.execPath, ['-e', code, options], { cwd: __dirname, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** How much of a download is on the disk. */
const bytesKept = (data: string): number =>
  statSync(join(data, `${ARCHIVE_FOLDER}.tar.gz.part`), { throwIfNoEntry: false })?.size ?? 0;

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
  assert.ok(bytesKept(data) > 0);
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
  mkdirSync(join(data, `${ARCHIVE_FOLDER}.part`));
  writeFileSync(join(data, `${ARCHIVE_FOLDER}.part`, 'data_batch_1.bin'), noise(1000));
  writeFileSync(join(data, `${ARCHIVE_FOLDER}.tar.gz`), file);
  writeFileSync(join(data, `.download-${process.pid}-1-abc`), ''); // a process with our number, but an earlier one
  await ensureData({ data, archive, ...quick });
  await assertComplete(data);
});

test('killed at any moment, it leaves nothing, work to take over, or all of the data', async (t) => {
  const data = temporaryFolder(t);
  const file = await tarGz(properEntries());
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file, { delay: 2 }));
  const archive = describeArchive(file, [server.url]);
  const unpacked = (...path: string[]) => existsSync(join(data, `${ARCHIVE_FOLDER}.part`, ...path));
  const moments = [
    () => readdirSync(data).length > 0,
    () => server.sent > 100_000,
    () => unpacked(),
    () => unpacked('data_batch_2.bin'),
    () => unpacked(TEST_FILE),
    () => existsSync(join(data, ARCHIVE_FOLDER)),
  ];
  let kills = 0;
  for (const moment of moments) {
    const child = inAnotherProcess(data, archive);
    const end = ended(child);
    await until(() => moment() || child.exitCode !== null);
    child.kill('SIGKILL');
    if ((await end) === null) kills++;
    if (existsSync(join(data, ARCHIVE_FOLDER))) await readRecords(join(data, ARCHIVE_FOLDER));
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
  const codes = await Promise.all([
    ended(first),
    ended(inAnotherProcess(data, archive)),
    ensureData({
      data,
      archive,
      ...quick,
      onMessage: (line) => lines.push(line),
    }),
  ]);
  assert.deepEqual(codes.slice(0, 2), [0, 0]);
  await assertComplete(data);
  assert.deepEqual(server.requests, ['/ all']);
  assert.deepEqual(lines, [`Process ${first.pid} is downloading CIFAR-10 already: waiting for it.`]);
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

test('an archive whose files lie elsewhere writes nothing outside of its folder', async (t) => {
  const data = temporaryFolder(t);
  const [folder, ...files] = properEntries();
  const file = await tarGz([folder, ...files.map(({ header, data }) => ({ header: { name: `../../${header.name}` }, data }))]);
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file));
  await ensureData({ data, archive: describeArchive(file, [server.url]), ...quick });
  await assertComplete(data);
});

test('an archive that breaks off is refused', async (t) => {
  const data = temporaryFolder(t);
  const file = (await tarGz(properEntries())).subarray(0, 100_000);
  const server = await serve(t, (request, response, self) => sendFile(request, response, self, file));
  await assert.rejects(ensureData({ data, archive: describeArchive(file, [server.url]), ...quick }), /unexpected end of file/);
  assertNothingInPlace(data);
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
    /The disk is full: CIFAR-10 needs 8\d\d,\d{3} bytes in .*kept/,
  );
  assert.equal(server.requests.length, 1);
  assert.ok(bytesKept(data) > 100_000);
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
  const { urls, size, sha256 } = OFFICIAL_ARCHIVE;
  assert.equal(size, 170_052_171);
  assert.equal(sha256, 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd');
  assert.ok(urls.every((url) => url.startsWith('https://') && url.endsWith('/cifar-10-binary.tar.gz')));
});

test('progress is one line with size, speed and the time that is left', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  let written = '';
  const { onProgress, end } = progressLine('CIFAR-10', (text) => (written += text));
  end();
  assert.equal(written, '');
  const total = 170_052_171;
  onProgress({ received: 300_000, total });
  now = 10_000;
  onProgress({ received: 12_300_000, total });
  onProgress({ received: 12_400_000, total });
  onProgress({ received: total, total });
  end();
  const [, first, second, last] = written.split('\r');
  assert.equal(first, 'CIFAR-10  0.3 of 170.1 MB (0 %)');
  assert.equal(second, 'CIFAR-10  12.3 of 170.1 MB (7 %), 1.2 MB/s, 2 min 11 s left');
  assert.match(last, /^CIFAR-10 {2}170\.1 of 170\.1 MB \(100 %\) +\n$/);
  assert.equal(last.length, second.length + 1, 'it covers what stood there');
});
