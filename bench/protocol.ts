// How bench.ts and a runner talk to each other: lines on stdin and stdout.
import { createInterface } from 'node:readline';

/** What a runner measures. */
export interface Workload {
  /** Runs a step and reads a number of its result, as every training loop does. */
  readonly step: () => number;
  /** Floating point operations of a step, where they are known. */
  readonly flops?: number;
}

/**
 * Warms up and prints "ready" with the floating point operations of a step; then, for each line with a number on stdin, runs
 * so many steps and prints their times in ms.
 */
export async function serve(name: string, { step, flops = 0 }: Workload): Promise<void> {
  const run = (count: number) =>
    Array.from({ length: count }, () => {
      const start = performance.now();
      const value = step();
      if (!Number.isFinite(value)) throw new Error(`${name}: the loss is ${value}`);
      return performance.now() - start;
    });
  run(2);
  console.log(`ready ${flops}`);
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(run(Number(line))));
}
