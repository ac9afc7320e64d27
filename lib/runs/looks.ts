import { runColors } from '../charts/runCurves';

/** Gives runs their looks (numbers, from 0, for `runCurves`), and remembers them. */
export interface LookBook {
  /** One for each name. */
  looksOf(names: readonly string[]): number[];
}

/**
 * Looks that stay: a name keeps its own, whichever others are drawn beside it, and no two names share one. A new name gets the
 * first that is free and whose colour is not taken in this company; where all colours are, the first that is free.
 */
export function lookBook(): LookBook {
  const known = new Map<string, number>();
  return {
    looksOf(names) {
      for (const name of names) {
        if (known.has(name)) continue;
        const used = new Set(known.values());
        const company = new Set(names.flatMap((other) => known.get(other) ?? []).map(colorOf));
        const isEnough = company.size < runColors.length;
        let look = 0;
        while (used.has(look) || (isEnough && company.has(colorOf(look)))) look++;
        known.set(name, look);
      }
      return names.map((name) => known.get(name) as number);
    },
  };
}

const colorOf = (look: number): number => look % runColors.length;
