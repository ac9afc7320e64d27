import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, SaveError, writeFileSafely } from 'cifar10/util';
import { temporaryFolder } from '../project';

const bytes = (text: string) => [Buffer.from(text)];

test('a file is written with the folders that it needs, and each of them is synced in the one above', (t) => {
  const folder = temporaryFolder(t);
  const synced: string[] = [];
  const { openSync, fsyncSync } = fs;
  const names = new Map<number, string>();
  t.mock.method(fs, 'openSync', (path: string, flag: string) => {
    const descriptor = openSync(path, flag);
    names.set(descriptor, path);
    return descriptor;
  });
  t.mock.method(fs, 'fsyncSync', (descriptor: number) => {
    fsyncSync(descriptor);
    synced.push(names.get(descriptor)!);
  });
  const file = join(folder, 'a', 'b', 'file');
  writeFileSafely(file, bytes('content'));
  assert.equal(readFileSync(file, 'utf8'), 'content');
  assert.deepEqual(readdirSync(join(folder, 'a', 'b')), ['file']);
  for (const path of [folder, join(folder, 'a'), join(folder, 'a', 'b')]) assert.ok(synced.includes(path), path);
});

test('what can’t be put in place leaves the file that was there, and nothing else', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'file');
  writeFileSafely(file, bytes('before'));
  t.mock.method(fs, 'renameSync', () => {
    throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  });
  assert.throws(() => writeFileSafely(file, bytes('after')), { name: 'SaveError', code: 'EACCES' });
  assert.equal(readFileSync(file, 'utf8'), 'before');
  assert.deepEqual(readdirSync(folder), ['file']);
});

test('what went wrong is told, also when the tidying up fails', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, `file.${process.pid}.part`));
  assert.throws(
    () => writeFileSafely(join(folder, 'file'), bytes('')),
    (error) => {
      return error instanceof SaveError && /EISDIR.*open/.test(error.message);
    },
  );
});

test('a file where a folder should be is named', (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  assert.throws(
    () => writeFileSafely(join(file, 'below'), bytes('')),
    /file or one above it is a file, where a folder was expected/,
  );
  assert.throws(() => makeFolder(join(file, 'below')), { name: 'SaveError' });
});

test('processes that write one file at once leave one of their versions, whole', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'file');
  const code = `const { writeFileSafely } = require('cifar10/util');
    for (let i = 0; i < 200; i++) writeFileSafely(process.argv[1], [Buffer.alloc(100_000, process.argv[2])]);`;
  const children = ['a', 'b', 'c'].map((letter) =>
    spawn(process.execPath, ['-e', code, file, letter], { cwd: __dirname, stdio: 'inherit' }),
  );
  const codes = await Promise.all(children.map(async (child) => ((await once(child, 'close')) as [number])[0]));
  assert.deepEqual(codes, [0, 0, 0]);
  assert.deepEqual(readdirSync(folder), ['file']);
  assert.match(readFileSync(file, 'utf8'), /^(a{100000}|b{100000}|c{100000})$/);
});

for (const [path, says] of [
  ['~/runs/a.json', /^~\/runs\/a\.json can't be written: ~ is something of the shell's; write \/.*\/runs\/a\.json\.$/],
  ['file:///tmp/a.json', /this is a URL; write \/tmp\/a\.json/],
  ['D:\\runs\\a.json', /this is a path of Windows; in WSL2 it is \/mnt\/d\/runs\/a\.json/],
] as const) {
  test(`${path} makes no folder of that name, and it is said what to write`, () => {
    for (const write of [() => writeFileSafely(path, bytes('')), () => makeFolder(path)])
      assert.throws(write, { name: 'SaveError', message: says });
  });
}
