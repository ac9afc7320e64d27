// What the processor can do.
import { readFileSync } from 'node:fs';

let flags: Set<string> | undefined;

/** Whether it has all of these features, by Linux's names: avx2, amx_bf16, … */
export function processorHas(...features: string[]): boolean {
  flags ??= new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' '));
  return features.every((feature) => flags!.has(feature));
}
