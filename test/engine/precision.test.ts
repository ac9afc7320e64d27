import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOnGpu } from 'cifar10/engine';
import { resolvePrecision, warnOfEmulation } from 'cifar10/engine';
import { cpuHas } from 'cifar10/engine';

const skip = isOnGpu() ? 'on a GPU, its compute capability decides' : false;

test('auto is bfloat16 where the CPU has matrix units for it, else float32', { skip }, () => {
  assert.equal(resolvePrecision('auto'), cpuHas('amx_bf16') ? 'bfloat16' : 'float32');
});

test('what is asked for is taken', () => {
  for (const precision of ['float32', 'bfloat16'] as const) assert.equal(resolvePrecision(precision), precision);
});

test('an unknown precision is refused with what is allowed', () => {
  assert.throws(
    () => resolvePrecision('half' as 'auto'),
    /precision is "half"; it must be 'auto', 'float32' or 'bfloat16'/,
  );
});

test('bfloat16 is warned of where it is emulated, and only there', { skip }, (context) => {
  const warn = context.mock.method(console, 'warn', () => {});
  warnOfEmulation('train', 'auto');
  warnOfEmulation('train', 'float32');
  assert.equal(warn.mock.callCount(), 0);
  warnOfEmulation('train', 'bfloat16');
  assert.equal(warn.mock.callCount(), cpuHas('avx512_bf16') ? 0 : 1);
});
