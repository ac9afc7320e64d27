/** Instruction sets; each includes those before it. */
export type Isa = 'baseline' | 'avx2' | 'avx512' | 'avx512_bf16' | 'amx_bf16';

/** The best that the CPU has and the system lets this process use, limited by the environment variable CIFAR10_MAX_ISA. */
export function isa(): Isa;

/**
 * The cores that this process may use, by its affinity and the CPU quotas of its cgroups.
 * @param root folder that stands for /, for tests
 */
export function cores(root?: string): number;

export function hideStderr(): void;
export function showStderr(): void;
