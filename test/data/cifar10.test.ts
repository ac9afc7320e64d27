import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCifar10 } from 'cifar10/data';
import { OFFICIAL_FILES, SAMPLE_FILES } from 'cifar10/data';
import { PROJECT_DATA } from 'cifar10/data';
import { readRecords } from 'cifar10/data';
import { noiseRecords, read, sha256, smallFiles, temporaryFolder, type Cleanup } from './fileServer';

const sampleFolder = join(PROJECT_DATA, 'sample');

test('the sample has 300 training and 200 test images, as many of each class', async () => {
  const { train, test, classNames, official } = await loadCifar10({ sample: true });
  for (const [split, size] of [
    [train, 300],
    [test, 200],
  ] as const) {
    assert.equal(split.size, size);
    assert.equal(split.labels.length, size);
    assert.equal(split.images.length, size * 32 * 32 * 3);
    for (let label = 0; label < 10; label++)
      assert.equal(split.labels.filter((l) => l === label).length, size / 10, classNames[label]);
  }
  assert.equal(classNames.join(' '), 'airplane automobile bird cat deer dog frog horse ship truck');
  assert.equal(official, false);
});

test('every file of the sample has every class', () => {
  for (const { name, records } of SAMPLE_FILES) {
    const bytes = read(join(sampleFolder, name));
    const labels = new Set(Array.from({ length: records }, (_, i) => bytes[i * 3073]));
    assert.equal(labels.size, 10, name);
  }
});

test('images are turned from planes into interleaved pixels, across files and pieces', async (t) => {
  const folder = temporaryFolder(t);
  const files = [1200, 1, 999, 2001].map((records, i) => ({ name: `${i}.bin`, records }));
  const bytes = files.map(({ records }) => noiseRecords(records));
  for (const [i, { name }] of files.entries()) writeFileSync(join(folder, name), bytes[i]);
  const { images, labels, sha256: hashes } = await readRecords(folder, files);
  const expected = new Uint8Array(images.length);
  const expectedLabels: number[] = [];
  let to = 0;
  for (const file of bytes) {
    for (let at = 0; at < file.length; at += 3073) {
      expectedLabels.push(file[at]);
      for (let pixel = 0; pixel < 1024; pixel++)
        for (let channel = 0; channel < 3; channel++) expected[to++] = file[at + 1 + channel * 1024 + pixel];
    }
  }
  assert.equal(to, 4201 * 3072);
  assert.equal(sha256(images), sha256(expected));
  assert.deepEqual([...labels], expectedLabels);
  assert.deepEqual(hashes, bytes.map(sha256));
});

test('the hash names the data, and can be had from the shell', async () => {
  const { hash } = await loadCifar10({ sample: true });
  const lines = SAMPLE_FILES.map(({ name }) => `${sha256(read(join(sampleFolder, name)))}  ${name}\n`);
  assert.equal(hash, createHash('sha256').update(lines.join('')).digest('hex'));
});

test('a folder that is not there is named in the error, with what named it', async (t) => {
  const folder = join(temporaryFolder(t), 'none');
  await assert.rejects(loadCifar10({ dir: folder }), /There is no folder .*none, which the option dir names/);
  t.after(() => delete process.env.CIFAR10_DIR);
  withoutFolderInEnvironment(t);
  process.env.CIFAR10_DIR = folder;
  await assert.rejects(loadCifar10(), /There is no folder .*none, which CIFAR10_DIR names/);
});

test('a folder without any file, or without some, is refused with their names', async (t) => {
  const folder = temporaryFolder(t);
  await assert.rejects(loadCifar10({ dir: folder }), /has none of CIFAR-10's files/);
  cpSync(sampleFolder, folder, { recursive: true });
  rmSync(join(folder, 'data_batch_3.bin'));
  rmSync(join(folder, 'test_batch.bin'));
  await assert.rejects(loadCifar10({ dir: folder }), /lacks data_batch_3\.bin, test_batch\.bin/);
});

test('the sample is not taken for the whole data: records are counted', async () => {
  await assert.rejects(
    loadCifar10({ dir: sampleFolder }),
    /data_batch_1\.bin has 184,380 bytes \(60 records\); expected 30,730,000: 10,000 records of 3,073 bytes/,
  );
});

test('a file with part of a record is refused', async (t) => {
  const folder = temporaryFolder(t);
  for (const { name, records } of smallFiles) writeFileSync(join(folder, name), noiseRecords(records));
  truncateSync(join(folder, 'data_batch_4.bin'), 20 * 3073 - 1);
  await assert.rejects(readRecords(folder, smallFiles), /data_batch_4\.bin has 61,459 bytes; expected 61,460/);
});

test('a label above 9 is refused with its place', async (t) => {
  const folder = temporaryFolder(t);
  for (const { name, records } of smallFiles) writeFileSync(join(folder, name), noiseRecords(records));
  const bytes = noiseRecords(30);
  bytes[29 * 3073] = 10;
  writeFileSync(join(folder, 'test_batch.bin'), bytes);
  await assert.rejects(readRecords(folder, smallFiles), /test_batch\.bin: record 29 has the label 10/);
});

test('files that are not the official ones are used when their folder is named, with one line that says so', async (t) => {
  const folder = join(temporaryFolder(t), 'cifar-10-batches-bin');
  mkdirSync(folder);
  writeBlackImages(folder);
  for (const dir of [folder, join(folder, '..')]) {
    const lines: string[] = [];
    const data = await loadCifar10({ dir, onMessage: (line) => lines.push(line) });
    assert.equal(data.official, false);
    assert.equal(data.dir, folder);
    assert.deepEqual([data.train.size, data.test.size], [50_000, 10_000]);
    assert.equal(data.test.images.length, 30_720_000);
    assert.equal(lines.length, 1);
    assert.match(lines[0], /not the official CIFAR-10 files .* used because the option dir names them/);
  }
});

test('what lies in data/ must be the official files', async (t) => {
  // A project of its own, so that nothing is put into this one's data/.
  const project = temporaryFolder(t);
  cpSync(join(PROJECT_DATA, '..', 'lib', 'dist'), join(project, 'lib', 'dist'), { recursive: true });
  symlinkSync(join(PROJECT_DATA, '..', 'node_modules'), join(project, 'node_modules'));
  const folder = join(project, 'data', 'cifar-10-batches-bin');
  mkdirSync(folder, { recursive: true });
  writeBlackImages(folder);
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { loadCifar10: load } = require(join(project, 'lib', 'dist', 'data', 'cifar10.js')) as {
    loadCifar10: typeof loadCifar10;
  };
  withoutFolderInEnvironment(t);
  await assert.rejects(load(), /cifar-10-batches-bin does not hold the official CIFAR-10 files.*Delete the folder/);
  await assert.rejects(load({ sample: true }), /sample has none of CIFAR-10's files/);
  assert.equal((await load({ dir: join(project, 'data'), onMessage: () => {} })).dir, folder);
});

/** The full number of records, all of them zeros: black airplanes. */
function writeBlackImages(folder: string): void {
  for (const { name, records } of OFFICIAL_FILES) {
    writeFileSync(join(folder, name), '');
    truncateSync(join(folder, name), records * 3073);
  }
}

function withoutFolderInEnvironment(t: Cleanup): void {
  const before = process.env.CIFAR10_DIR;
  delete process.env.CIFAR10_DIR;
  t.after(() => {
    if (before !== undefined) process.env.CIFAR10_DIR = before;
  });
}
