// What the processor can do.
import { readFileSync } from 'node:fs';

const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' '));

/** Whether it has all of these features, by Linux's names: avx2, amx_bf16, … */
export const processorHas = (...features: string[]): boolean => features.every((feature) => flags.has(feature));
