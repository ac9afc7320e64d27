import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { unpack } from 'cifar10/data';
import { noise, noiseRecords, properEntries, read, smallFiles, tarGz, temporaryFolder, type Entry } from './fileServer';

const folderName = 'cifar-10-batches-bin';

test('a proper archive is unpacked, and nothing but the expected files', async (t) => {
  const folder = temporaryFolder(t);
  const entries = properEntries();
  writeFileSync(join(folder, 'a.tar.gz'), await tarGz(entries));
  await unpack(join(folder, 'a.tar.gz'), join(folder, 'out'), smallFiles);
  assert.deepEqual(
    readdirSync(join(folder, 'out')).sort(),
    [...smallFiles.map(({ name }) => name), 'readme.html'].sort(),
  );
  assert.deepEqual(read(join(folder, 'out', 'test_batch.bin')), entries[6].data);
});

/** A proper archive, changed. */
/** Where nothing may be written, and nobody else writes. */
const escaped = join(tmpdir(), `escaped-${randomUUID()}.bin`);

const hostile: { what: string; change: (entries: Entry[]) => Entry[]; error: RegExp }[] = [
  {
    what: 'a path that climbs out',
    change: (entries) => [{ header: { name: `${folderName}/../../escaped.bin` }, data: noise(10) }, ...entries],
    error: /lies outside/,
  },
  {
    what: 'an absolute path',
    change: (entries) => [...entries, { header: { name: escaped }, data: noise(10) }],
    error: /lies outside/,
  },
  {
    what: 'a symbolic link',
    change: (entries) => [
      { header: { name: `${folderName}/data_batch_1.bin`, type: 'symlink', linkname: '/etc/passwd' } },
      ...entries,
    ],
    error: /not a file but a symlink/,
  },
  {
    what: 'a hard link',
    change: (entries) => [
      ...entries,
      { header: { name: `${folderName}/batches.meta.txt`, type: 'link', linkname: '/etc/passwd' } },
    ],
    error: /not a file but a link/,
  },
  {
    what: 'a folder in place of a file',
    change: (entries) => [{ header: { name: `${folderName}/data_batch_1.bin`, type: 'directory' } }, ...entries],
    error: /not a file but a directory/,
  },
  {
    what: 'a file that does not belong there',
    change: (entries) => [...entries, { header: { name: `${folderName}/run-me.sh` }, data: noise(10) }],
    error: /does not belong/,
  },
  {
    what: 'a file in another folder',
    change: (entries) => [...entries, { header: { name: 'elsewhere/data_batch_1.bin' }, data: noiseRecords(20) }],
    error: /does not belong/,
  },
  {
    what: 'a file twice',
    change: (entries) => [...entries, entries[1]],
    error: /data_batch_1\.bin twice/,
  },
  {
    what: 'a missing file',
    change: (entries) => entries.filter(({ header }) => !header.name.endsWith('data_batch_3.bin')),
    error: /lacks data_batch_3\.bin/,
  },
  {
    what: 'a file with part of a record',
    change: (entries) => replace(entries, 'data_batch_2.bin', noiseRecords(20).slice(0, -1)),
    error: /data_batch_2\.bin.*61459 bytes instead of 61460/,
  },
  {
    what: 'a record too many',
    change: (entries) => replace(entries, 'test_batch.bin', noiseRecords(31)),
    error: /test_batch\.bin.*instead of/,
  },
  {
    what: 'a label 10',
    change: (entries) => {
      const records = noiseRecords(20);
      records[7 * 3073] = 10;
      return replace(entries, 'data_batch_5.bin', records);
    },
    error: /data_batch_5\.bin.*record 7 has the label 10/,
  },
  {
    what: 'a large file that only may come along',
    change: (entries) => [...entries, { header: { name: `${folderName}/readme.html` }, data: new Uint8Array(150_000) }],
    error: /instead of at most/,
  },
  {
    what: 'more than its files need',
    change: (entries) => [...entries, ...Array.from({ length: 1000 }, () => entries[0])], // its folder, again and again
    error: /unpacks to more than the expected/,
  },
];

function replace(entries: Entry[], file: string, data: Uint8Array): Entry[] {
  return entries.map((entry) => (entry.header.name.endsWith(file) ? { ...entry, data } : entry));
}

for (const { what, change, error } of hostile) {
  test(`an archive with ${what} is refused, and nothing is left of it`, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'a.tar.gz'), await tarGz(change(properEntries())));
    await assert.rejects(unpack(join(folder, 'a.tar.gz'), join(folder, 'out'), smallFiles), error);
    assert.deepEqual(readdirSync(folder), ['a.tar.gz']);
    assert.ok(!existsSync(join(folder, '..', 'escaped.bin')) && !existsSync(escaped));
  });
}

test('records that are not the official ones are refused where these are expected', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'a.tar.gz'), await tarGz(properEntries()));
  const files = smallFiles.map((file) => ({ ...file, sha256: '0'.repeat(64) }));
  await assert.rejects(unpack(join(folder, 'a.tar.gz'), join(folder, 'out'), files), /not the official one/);
  assert.deepEqual(readdirSync(folder), ['a.tar.gz']);
});

for (const [what, damage] of [
  ['truncated', (file: Uint8Array) => file.slice(0, file.length / 2)],
  ['without its last bytes', (file: Uint8Array) => file.slice(0, -10)],
  ['with a flipped bit', (file: Uint8Array) => file.map((byte, i) => (i === 200_000 ? byte ^ 4 : byte))],
  ['that is not gzip', () => noise(100_000)],
  ['that is not tar', () => Uint8Array.from(gzipSync(noise(100_000)))],
  ['that is empty', () => new Uint8Array(0)],
] as const) {
  test(`an archive ${what} is refused, and nothing is left of it`, async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'a.tar.gz'), damage(await tarGz(properEntries())));
    await assert.rejects(unpack(join(folder, 'a.tar.gz'), join(folder, 'out'), smallFiles), /a\.tar\.gz is refused/);
    assert.deepEqual(readdirSync(folder), ['a.tar.gz']);
  });
}
