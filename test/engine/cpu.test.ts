import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { cores, cpuHas, isa } from 'cifar10/engine';
import { temporaryFolder } from '../project';

const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))![1].trim().split(' ');

test('the instruction set agrees with the kernel’s flags', () => {
  assert.equal(cpuHas('baseline'), true);
  assert.equal(cpuHas('avx2'), flags.includes('avx2') && flags.includes('fma'));
  assert.equal(cpuHas('avx512'), flags.includes('avx512vl') && flags.includes('avx512bw'));
  assert.equal(cpuHas('avx512_bf16'), flags.includes('avx512_bf16'));
  // The kernel may list AMX and still refuse it to a process.
  if (cpuHas('amx_bf16')) assert.ok(flags.includes('amx_bf16'));
});

/** What an expression of cifar10/engine's exports gives in a process with CIFAR10_MAX_ISA. */
const limited = (max: string, expression: string): string =>
  execFileSync(process.execPath, ['-p', `const engine = require('cifar10/engine'); ${expression}`], {
    encoding: 'utf8',
    env: { ...process.env, CIFAR10_MAX_ISA: max },
  }).trim();

test('CIFAR10_MAX_ISA lowers it; other values of it do nothing', () => {
  assert.equal(limited('baseline', 'engine.isa()'), 'baseline');
  assert.equal(limited('avx2', 'engine.isa()'), cpuHas('avx2') ? 'avx2' : 'baseline');
  assert.equal(limited('avx9', 'engine.isa()'), isa());
});

test('without AVX2, graphs have no custom ops, and one that is called nevertheless is refused', () => {
  assert.equal(limited('baseline', 'engine.hasCustomOps()'), 'false');
  const call = `
    const tf = require('@tensorflow/tfjs-node');
    try { engine.executeOp('Cifar10MatMulF32', [], [tf.ones([2, 3]), tf.ones([3, 64])]) } catch (error) { error.message }`;
  assert.match(limited('baseline', call), /this op needs a CPU with AVX2 and FMA/);
});

/** Files of a system with these contents; a folder that stands for /. */
function systemOf(t: Parameters<typeof temporaryFolder>[0], files: Record<string, string>): string {
  const folder = temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Those of the affinity mask: there is no cgroup below this folder. */
const all = cores(join(tmpdir(), 'no-such-folder'));
const v1 = 'sys/fs/cgroup/cpu,cpuacct';
const systems: [name: string, files: Record<string, string>, expected: number][] = [
  ['version 2 without a quota', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }, all],
  ['version 2: one core', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '100000 100000\n' }, 1],
  ['a fraction counts as a core', { 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/cpu.max': '5000 100000\n' }, 1],
  [
    'the quota of a group above',
    {
      'proc/self/cgroup': '0::/a/b/c\n',
      'sys/fs/cgroup/a/cpu.max': '50000 50000\n',
      'sys/fs/cgroup/a/b/c/cpu.max': 'max 100000\n',
    },
    1,
  ],
  [
    'not the quota of another group',
    { 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/b/cpu.max': '100000 100000\n' },
    all,
  ],
  ['more than there are', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '9900000 100000\n' }, all],
  [
    'version 1',
    {
      'proc/self/cgroup': '3:cpuset:/\n2:cpu,cpuacct:/a\n1:name=systemd:/\n',
      [`${v1}/a/cpu.cfs_quota_us`]: '100000\n',
      [`${v1}/a/cpu.cfs_period_us`]: '100000\n',
    },
    1,
  ],
  [
    'version 1 in a container, which sees its own group as the root',
    {
      'proc/self/cgroup': '2:cpu,cpuacct:/docker/0123\n',
      [`${v1}/cpu.cfs_quota_us`]: '80000\n',
      [`${v1}/cpu.cfs_period_us`]: '100000\n',
    },
    1,
  ],
  [
    'version 1 without a quota',
    {
      'proc/self/cgroup': '2:cpu,cpuacct:/\n',
      [`${v1}/cpu.cfs_quota_us`]: '-1\n',
      [`${v1}/cpu.cfs_period_us`]: '100000\n',
    },
    all,
  ],
];
test('without a quota, cores are those of the affinity mask', () => assert.ok(all >= 1 && all <= cpus().length));
for (const [name, files, expected] of systems) {
  test(`cores, ${name}`, (t) => assert.equal(cores(systemOf(t, files)), expected));
}
