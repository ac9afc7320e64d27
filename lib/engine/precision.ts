// The number format of a compiled function's matrix products and convolutions.
import { execFileSync } from 'node:child_process';
import { isOnGpu } from './backend';
import { cpuHas } from './cpu';

export type Precision = 'auto' | 'float32' | 'bfloat16';

/** 'auto' becomes bfloat16 where the hardware has matrix units for it, else float32. */
export function resolvePrecision(precision: Precision): 'float32' | 'bfloat16' {
  if (!['auto', 'float32', 'bfloat16'].includes(precision)) {
    throw new Error(`precision is ${JSON.stringify(precision)}; it must be 'auto', 'float32' or 'bfloat16'.`);
  }
  if (precision !== 'auto') return precision;
  return hasMatrixUnits() ? 'bfloat16' : 'float32';
}

/** Warns on the console where bfloat16 was asked for but is emulated: a step then takes minutes, not seconds. */
export function warnOfEmulation(owner: string, precision: Precision): void {
  if (precision !== 'bfloat16' || hasMatrixUnits() || cpuHas('avx512_bf16')) return;
  console.warn(
    `${owner}: precision is 'bfloat16', which this CPU does not have: it is emulated, and many times slower. 'auto' ` +
      'would take float32.',
  );
}

/**
 * For bfloat16: CPUs with AMX, and NVIDIA GPUs of compute capability 8.0 (Ampere) or newer. CPUs with AVX512-BF16 alone have
 * instructions for it, too, but on Intel's a product takes twice as long as in float32 (bench/README.md).
 */
const hasMatrixUnits = (): boolean => (isOnGpu() ? gpuComputeCapability() >= 8 : cpuHas('amx_bf16'));

/** On the PATH, and where WSL has it. */
const NVIDIA_SMI = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'];

/** 0 where it is unknown. Asked once, since it takes a moment. */
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
