import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCifar10, readRecords, TEST_FILE, TRAIN_FILES } from 'cifar10/data';
import { PROJECT_DATA } from 'cifar10/util';
import { noiseRecords, read, sha256, smallFiles, temporaryFolder, type Cleanup } from './fileServer';

const sampleFolder = join(PROJECT_DATA, 'sample');
const FILES = [...TRAIN_FILES, TEST_FILE];

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
  for (const name of FILES) {
    const bytes = read(join(sampleFolder, name));
    const labels = new Set(Array.from({ length: bytes.length / 3073 }, (_, i) => bytes[i * 3073]));
    assert.equal(labels.size, 10, name);
  }
});

test('images are turned from planes into interleaved pixels, across files of any number of records', async (t) => {
  const folder = temporaryFolder(t);
  const bytes = [1200, 1, 999, 2001].map(noiseRecords);
  const names = [TRAIN_FILES[0], TRAIN_FILES[2], TRAIN_FILES[4], TEST_FILE];
  for (const [i, name] of names.entries()) writeFileSync(join(folder, name), bytes[i]);
  const { images, labels, files } = await readRecords(folder);
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
  assert.deepEqual(
    files,
    names.map((name, i) => ({ name, size: bytes[i].length / 3073, sha256: sha256(bytes[i]) })),
  );
});

test('the hash names the data, and can be had from the shell', async () => {
  const { hash } = await loadCifar10({ sample: true });
  const lines = FILES.map((name) => `${sha256(read(join(sampleFolder, name)))}  ${name}\n`);
  assert.equal(hash, createHash('sha256').update(lines.join('')).digest('hex'));
});

test('a folder that is not there is named in the error, with what named it', async (t) => {
  const folder = join(temporaryFolder(t), 'none');
  await assert.rejects(loadCifar10({ dir: folder }), /There is no folder .*none, which the option dir names/);
  t.after(() => delete process.env.CIFAR10_DIR);
  withoutFolderInEnvironment(t);
  process.env.CIFAR10_DIR = folder;
  await assert.rejects(loadCifar10(), /There is no folder .*none, which CIFAR10_DIR names: check its name/);
});

for (const [what, files, says] of [
  ['nothing', [], /has none of CIFAR-10's files, data_batch_1\.bin … test_batch\.bin; it is empty, or there is no such folder\.$/],
  ['other files', ['cat.png', 'dog.png'], /; it has cat\.png, dog\.png\.$/],
  ['the archive', ['cifar-10-binary.tar.gz'], /but their archive: unpack it with tar -xf cifar-10-binary\.tar\.gz\.$/],
  ['compressed files', ['data_batch_1.bin.gz', 'test_batch.bin.gz'], /but compressed ones: unpack them with gunzip \*\.bin\.gz/],
  ['the Python version', ['data_batch_1', 'test_batch', 'batches.meta'], /but the Python version: this needs the binary one/],
  ['CIFAR-100', ['train.bin', 'test.bin', 'fine_label_names.txt'], /but CIFAR-100: this needs CIFAR-10/],
] as const) {
  test(`a folder that has ${what} is refused, saying what is there and what to do`, async (t) => {
    const folder = temporaryFolder(t);
    for (const name of files) writeFileSync(join(folder, name), 'x');
    const message = new RegExp(says.source.replace('data_batch_1\\.bin … test_batch', 'data_batch_1\\.bin … data_batch_5\\.bin, test_batch'));
    await assert.rejects(loadCifar10({ dir: folder }), message);
  });
}

test('an archive in place of the folder is refused, with what to do', async (t) => {
  const file = join(temporaryFolder(t), 'cifar-10-binary.tar.gz');
  writeFileSync(file, 'x');
  await assert.rejects(loadCifar10({ dir: file }), /is a file; expected the folder of the six \.bin files\. Unpack it with tar -xf/);
});

test('some of the six files, of any number of records, are loaded, and it is said how many', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'data_batch_2.bin'), noiseRecords(7));
  writeFileSync(join(folder, 'data_batch_5.bin'), noiseRecords(2000));
  const lines: string[] = [];
  const { train, test: none } = await loadCifar10({ dir: folder, onMessage: (line) => lines.push(line) });
  assert.deepEqual([train.size, none.size], [2007, 0]);
  assert.match(lines.join(), /: 2,007 training and 0 test images\. These are not the official CIFAR-10 files/);
});

for (const [dir, says] of [
  ['~/cifar', new RegExp(`There is no folder .*: ~ is something of the shell's; write ${homedir()}/cifar`)],
  ['file:///data/my%20cifar', /: this is a URL; write \/data\/my cifar/],
  ['C:\\Users\\me\\cifar', /: this is a path of Windows; in WSL2 it is \/mnt\/c\/Users\/me\/cifar/],
] as const) {
  test(`why ${dir} was not found`, () => assert.rejects(loadCifar10({ dir }), says));
}

test('a file with part of a record is refused', async (t) => {
  const folder = temporaryFolder(t);
  for (const { name, records } of smallFiles) writeFileSync(join(folder, name), noiseRecords(records));
  truncateSync(join(folder, 'data_batch_4.bin'), 20 * 3073 - 1);
  await assert.rejects(readRecords(folder), /data_batch_4\.bin has 61,459 bytes; expected a whole number of records of 3,073/);
});

test('a label above 9 is refused with its place', async (t) => {
  const folder = temporaryFolder(t);
  for (const { name, records } of smallFiles) writeFileSync(join(folder, name), noiseRecords(records));
  const bytes = noiseRecords(30);
  bytes[29 * 3073] = 10;
  writeFileSync(join(folder, 'test_batch.bin'), bytes);
  await assert.rejects(readRecords(folder), /test_batch\.bin: record 29 has the label 10/);
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
    assert.match(lines[0], /50,000 training and 10,000 test images.* not the official CIFAR-10 files .* used because the option dir names them/);
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
  for (const name of FILES) {
    writeFileSync(join(folder, name), '');
    truncateSync(join(folder, name), 10_000 * 3073);
  }
}

function withoutFolderInEnvironment(t: Cleanup): void {
  const before = process.env.CIFAR10_DIR;
  delete process.env.CIFAR10_DIR;
  t.after(() => {
    if (before !== undefined) process.env.CIFAR10_DIR = before;
  });
}
