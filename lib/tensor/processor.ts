// What the processor can do.
import { readFileSync } from 'node:fs';
import { backend } from './backend';

const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' '));

/** Whether it has all of these features, by Linux's names: avx2, amx_bf16, … */
export const processorHas = (...features: string[]): boolean => features.every((feature) => flags.has(feature));

/** Whether TensorFlow computes on a processor that our own ops (lib/tfjs-node/ops) are for. */
export const hasOwnOps = (): boolean => !backend.isUsingGpuDevice && processorHas('avx2', 'fma');
