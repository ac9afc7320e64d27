// Learning rates (or other numbers) as functions of progress: 0 at the first step of a run, 1 at its end.

/** A number that may change during a run. */
export type Schedule = (progress: number) => number;

/** A schedule that reads as the call that made it: runs are told apart by that. */
const named = (text: string, schedule: Schedule): Schedule => Object.assign(schedule, { toString: () => text });

/** The same all the time. */
export const constant = (value: number): Schedule => named(`constant(${value})`, () => value);

/**
 * Falls by a factor at given points: `stepDecay(0.1, { at: [0.5, 0.75] })` is 0.1, then 0.01, then 0.001.
 * @param at shares of the run, each from 0 to 1
 */
export const stepDecay = (start: number, { at, factor = 0.1 }: { at: readonly number[]; factor?: number }): Schedule =>
  named(
    `stepDecay(${start}, { at: [${at.join(', ')}], factor: ${factor} })`,
    (progress) => start * factor ** at.filter((point) => progress >= point).length,
  );

/** Falls along half a cosine (Loshchilov and Hutter 2017, without restarts). */
export const cosine = (start: number, { end = 0 }: { end?: number } = {}): Schedule =>
  named(
    `cosine(${start}, { end: ${end} })`,
    (progress) => end + ((start - end) * (1 + Math.cos(Math.PI * progress))) / 2,
  );

/**
 * Rises in a straight line to the peak, then falls in one to the end (Smith 2018).
 * @param options.warmUp share of the run that rises
 */
export const oneCycle = (
  peak: number,
  { warmUp = 0.25, start = peak / 25, end = 0 }: { warmUp?: number; start?: number; end?: number } = {},
): Schedule =>
  named(`oneCycle(${peak}, { warmUp: ${warmUp}, start: ${start}, end: ${end} })`, (progress) =>
    progress < warmUp
      ? start + ((peak - start) * progress) / warmUp
      : peak + ((end - peak) * (progress - warmUp)) / (1 - warmUp),
  );
