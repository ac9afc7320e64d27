// Learning rates (or other numbers) as functions of progress: 0 at the first step of a run, 1 at its end. They throw a
// RangeError at once for numbers that are negative, none at all, or no share of a run where one is expected.
import { isNumberIn, inspectValue } from '../util/options';

/** A number that may change during a run. */
export type Schedule = (progress: number) => number;

const NOT_NEGATIVE = { largest: Number.MAX_VALUE, expected: 'a number from 0 on' };
const SHARE = { largest: 1, expected: 'a share of the run, from 0 to 1' };

/** @throws RangeError for a number that is not from 0 to the largest, or none at all */
function check(owner: string, { largest, expected }: typeof SHARE, numbers: Readonly<Record<string, number>>): void {
  const wrong = Object.entries(numbers).find(([, value]) => !isNumberIn(value, 0) || value > largest);
  if (wrong) throw new RangeError(`${owner}: ${wrong[0]} is ${inspectValue(wrong[1])}; expected ${expected}.`);
}

/** A schedule that reads as the call that made it: runs are told apart by that. */
const named = (text: string, schedule: Schedule): Schedule => Object.assign(schedule, { toString: () => text });

/** The same all the time. */
export const constant = (value: number): Schedule => {
  check('constant', NOT_NEGATIVE, { value });
  return named(`constant(${value})`, () => value);
};

/**
 * Falls by a factor at given points: `stepDecay(0.1, { at: [0.5, 0.75] })` is 0.1, then 0.01, then 0.001.
 * @param options.at shares of the run, each from 0 to 1 (PyTorch's milestones are epochs: divide by how many there are)
 */
export const stepDecay = (
  start: number,
  { at, factor = 0.1 }: { at: readonly number[]; factor?: number },
): Schedule => {
  check('stepDecay', NOT_NEGATIVE, { start, factor });
  for (const point of at) check('stepDecay', SHARE, { at: point });
  return named(
    `stepDecay(${start}, { at: [${at.join(', ')}], factor: ${factor} })`,
    (progress) => start * factor ** at.filter((point) => progress >= point).length,
  );
};

/** Falls along half a cosine (Loshchilov and Hutter 2017, without restarts). */
export const cosine = (start: number, { end = 0 }: { end?: number } = {}): Schedule => {
  check('cosine', NOT_NEGATIVE, { start, end });
  return named(
    `cosine(${start}, { end: ${end} })`,
    (progress) => end + ((start - end) * (1 + Math.cos(Math.PI * progress))) / 2,
  );
};

/**
 * Rises in a straight line to the peak, then falls in one to the end (Smith 2018).
 * @param options.warmUp share of the run that rises
 */
export const oneCycle = (
  peak: number,
  { warmUp = 0.25, start = peak / 25, end = 0 }: { warmUp?: number; start?: number; end?: number } = {},
): Schedule => {
  check('oneCycle', NOT_NEGATIVE, { peak, start, end });
  check('oneCycle', SHARE, { warmUp });
  return named(`oneCycle(${peak}, { warmUp: ${warmUp}, start: ${start}, end: ${end} })`, (progress) =>
    progress < warmUp || warmUp === 1
      ? start + ((peak - start) * progress) / warmUp
      : peak + ((end - peak) * (progress - warmUp)) / (1 - warmUp),
  );
};
