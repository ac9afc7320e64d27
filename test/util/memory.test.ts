import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { availableBytes } from 'cifar10/util';
import { type Context, temporaryFolder } from '../project';

const MB = 1e6;
const SYSTEM = 8000 * MB;

/** What is available on a system with these files. */
function available(t: Context, files: Record<string, string>): number {
  const root = temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return availableBytes(root);
}

/** The files of a group of version 2. */
const v2 = (group: string, max: number | string, current: number, inactive = 0) => ({
  [`sys/fs/cgroup${group}/memory.max`]: `${max}\n`,
  [`sys/fs/cgroup${group}/memory.current`]: `${current}\n`,
  [`sys/fs/cgroup${group}/memory.stat`]: `anon 5\nactive_file 7\ninactive_file ${inactive}\nslab 1\n`,
});

const v1 = (group: string, limit: number | bigint, usage: number, inactive = 0) => ({
  [`sys/fs/cgroup/memory${group}/memory.limit_in_bytes`]: `${limit}\n`,
  [`sys/fs/cgroup/memory${group}/memory.usage_in_bytes`]: `${usage}\n`,
  [`sys/fs/cgroup/memory${group}/memory.stat`]: `inactive_file 3\ntotal_inactive_file ${inactive}\n`,
});
const NO_LIMIT = 9223372036854771712n;

test('the memory that is available is that of the process’s own control group, or of one above it', (t) => {
  t.mock.method(os, 'freemem', () => SYSTEM);
  const nested = { 'proc/self/cgroup': '0::/user.slice/run-1.scope\n' };
  assert.equal(available(t, {}), SYSTEM, 'no control groups');
  assert.equal(available(t, nested), SYSTEM, 'a group that is not there');
  const own = { ...nested, ...v2('/user.slice/run-1.scope', 700 * MB, 200 * MB) };
  assert.equal(available(t, own), 500 * MB, 'its own');
  assert.equal(available(t, { ...own, ...v2('/user.slice', 600 * MB, 300 * MB) }), 300 * MB, 'the one above');
  assert.equal(available(t, { ...own, ...v2('/user.slice', 'max', 300 * MB) }), 500 * MB, 'the one above has no limit');
  assert.equal(available(t, { ...own, ...v2('/other.slice', 100 * MB, 0) }), 500 * MB, 'another one');
  assert.equal(available(t, { ...nested, ...v2('/user.slice/run-1.scope', 100 * SYSTEM, 0) }), SYSTEM);
});

test('file cache that the system would let go of counts as available', (t) => {
  t.mock.method(os, 'freemem', () => SYSTEM);
  const files = { 'proc/self/cgroup': '0::/\n', ...v2('', 700 * MB, 690 * MB, 400 * MB) };
  assert.equal(available(t, files), 410 * MB);
  const over = { 'proc/self/cgroup': '0::/\n', ...v2('', 700 * MB, 701 * MB) };
  assert.equal(available(t, over), 0);
});

test('control groups of version 1, and a container that sees its host’s path', (t) => {
  t.mock.method(os, 'freemem', () => SYSTEM);
  const lines = '9:name=systemd:/\n5:cpu,cpuacct:/\n4:memory:/jobs/7\n0::/\n';
  const nested = { 'proc/self/cgroup': lines, ...v1('', NO_LIMIT, 3000 * MB), ...v1('/jobs', NO_LIMIT, 900 * MB) };
  assert.equal(available(t, nested), SYSTEM);
  assert.equal(available(t, { ...nested, ...v1('/jobs/7', 700 * MB, 600 * MB, 50 * MB) }), 150 * MB);
  const container = { 'proc/self/cgroup': '4:memory:/docker/0123abc\n', ...v1('', 700 * MB, 300 * MB) };
  assert.equal(available(t, container), 400 * MB);
  const outside = { 'proc/self/cgroup': '0::/../other\n', ...v2('', 700 * MB, 300 * MB) };
  assert.equal(available(t, outside), 400 * MB);
});
