// Which number format the matrix work of a compiled function uses.
import { execFileSync } from 'node:child_process';
import { isOnGpu } from './backend';
import { cpuHas } from './cpu';

export type Precision = 'auto' | 'float32' | 'bfloat16';

/** 'auto' becomes bfloat16 where there are matrix units for it, which make it faster; else float32. */
export function resolvePrecision(precision: Precision): 'float32' | 'bfloat16' {
  if (!['auto', 'float32', 'bfloat16'].includes(precision)) {
    throw new Error(`precision is ${JSON.stringify(precision)}; it must be 'auto', 'float32' or 'bfloat16'.`);
  }
  if (precision !== 'auto') return precision;
  return hasMatrixUnits() ? 'bfloat16' : 'float32';
}

/** Tells on the console where bfloat16 was asked for and is emulated: what takes seconds elsewhere takes minutes then. */
export function warnOfEmulation(owner: string, precision: Precision): void {
  if (precision !== 'bfloat16' || hasMatrixUnits() || cpuHas('avx512_bf16')) return;
  console.warn(
    `${owner}: precision is 'bfloat16', which this processor does not have: it is emulated, and many times slower. With 'auto' ` +
      'it computes in float32.',
  );
}

/**
 * Those for bfloat16: CPUs with AMX, and NVIDIA GPUs of compute capability 8.0 (Ampere) or newer. CPUs with AVX512-BF16 alone
 * compute in it, too, but Intel's take twice as long for a product as in float32 (bench/README.md).
 */
const hasMatrixUnits = (): boolean => (isOnGpu() ? gpuComputeCapability() >= 8 : cpuHas('amx_bf16'));

/** What it is on the PATH, and where Windows puts it for Linux. */
const NVIDIA_SMI = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'];

/** 0, where nobody knows. Asked once: it takes a moment, and does not change. */
function gpuComputeCapability(): number {
  return (capability ??= NVIDIA_SMI.map(askCapability).find((answer) => answer > 0) ?? 0);
}

let capability: number | undefined;

function askCapability(command: string): number {
  try {
    const query = ['--query-gpu=compute_cap', '--format=csv,noheader'];
    return parseFloat(execFileSync(command, query, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return 0;
  }
}
