// Numbers that may change while a network trains: a learning rate, a decay, the size of a crop.
import { inspectValue } from './options';

/** A number, or a function of progress: the share of the run that is done before the step, in [0, 1). */
export type Hyperparameter = number | ((progress: number) => number);

/** What a hyperparameter may be; [0, ∞) where nothing else is said. */
export interface Range {
  readonly min?: number;
  /** Values must be smaller. */
  readonly below?: number;
  /** The largest that is allowed. */
  readonly max?: number;
}

/**
 * Checks hyperparameters: numbers at once, what functions of progress give when they are asked.
 * @param owner what has them, for errors: `sgd`
 * @param ranges of those that are not any number ≥ 0
 * @returns the same, where functions check what they give
 * @throws RangeError for a value that is not allowed
 */
export function checkHyperparameters<Name extends string>(
  owner: string,
  values: Readonly<Record<Name, Hyperparameter>>,
  ranges?: Readonly<Partial<Record<Name, Range>>>,
): Readonly<Record<Name, Hyperparameter>> {
  const checked = Object.entries(values).map(([name, value]) => {
    const range = ranges?.[name as Name] ?? {};
    if (typeof value !== 'function') {
      if (isIn(value, range)) return [name, value];
      throw new RangeError(
        `${owner}: ${name} is ${inspectValue(value)}; expected ${expectedOf(range)}, or a function of progress.`,
      );
    }
    const schedule = value as (progress: number) => number;
    const check = (progress: number): number => {
      const number = schedule(progress);
      if (isIn(number, range)) return number;
      const given = inspectValue(number);
      throw new RangeError(
        `${owner}: ${name} gave ${given} at progress ${progress.toFixed(3)}; expected ${expectedOf(range)}.`,
      );
    };
    // Keeps the number of parameters: without one, it reads something that may change at any time, such as a slider.
    const length = { value: schedule.length };
    const toString = { value: () => describeHyperparameter(schedule) };
    return [name, Object.defineProperties(check, { length, toString })];
  });
  return Object.fromEntries(checked) as Record<Name, Hyperparameter>;
}

const isIn = (value: unknown, { min = 0, below = Infinity, max = Infinity }: Range): boolean =>
  typeof value === 'number' && value >= min && value < below && value <= max;

const expectedOf = ({ min = 0, below, max }: Range): string => {
  if (max !== undefined) return `a number in [${min}, ${max}]`;
  return below === undefined ? `a number ≥ ${min}` : `a number in [${min}, ${below})`;
};

/** The value at a point of the run. */
export const valueAt = (hyperparameter: Hyperparameter, progress: number): number =>
  typeof hyperparameter === 'number' ? hyperparameter : hyperparameter(progress);

/**
 * A text that tells hyperparameters apart: a number, or a function's source with what it gives along the way, since it may
 * use values from elsewhere. A function without a parameter reads something that may change at any time, such as a slider:
 * only its source counts.
 */
export function describeHyperparameter(value: Hyperparameter): string {
  if (typeof value !== 'function' || value.length === 0 || Object.hasOwn(value, 'toString')) return String(value);
  const samples = Array.from({ length: 10 }, (_, tenth) => Number(value(tenth / 10)).toPrecision(6));
  return `${String(value)}: ${samples.map(Number).join(', ')}`;
}
