// What a contestant says and hears: see bench.ts.
import { createInterface } from 'node:readline';

export interface Entrant {
  /** Runs a step and reads a number of its result, as every training loop does. */
  readonly step: () => number;
  /** Floating point operations of a step, where they are known. */
  readonly flop?: number;
}

/**
 * Warms up, says “ready” with the floating point operations of a step, then answers each line with a number on stdin with
 * the times of so many steps, in ms.
 */
export async function answer(name: string, { step, flop = 0 }: Entrant): Promise<void> {
  const run = (count: number) =>
    Array.from({ length: count }, () => {
      const start = performance.now();
      const value = step();
      if (!Number.isFinite(value)) throw new Error(`${name}: the loss is ${value}`);
      return performance.now() - start;
    });
  run(2);
  console.log(`ready ${flop}`);
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(run(Number(line))));
}
