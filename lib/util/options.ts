// Options with defaults: each is named once, with its default and what it may be. Whatever is unknown or impossible is
// refused at once, with its name, its value and what is allowed.
import { inspect } from 'node:util';

/** What one option may be. */
export interface Rule<T> {
  readonly default: T;
  /** Reads after “expected”. */
  readonly expected: string;
  accepts(this: void, value: unknown): boolean;
}

export type Rules<T> = { readonly [Name in keyof T]-?: Rule<T[Name]> };

/**
 * The options of `owner`, with defaults where something was left out (or is undefined).
 * @throws RangeError for an unknown name or a value that is not allowed
 */
export function readOptions<T extends object>(owner: string, rules: Rules<T>, given: Partial<T>): T {
  if (typeof given !== 'object' || given === null) {
    throw new RangeError(`${owner}: the options are ${inspectValue(given)}; expected an object.`);
  }
  const names = Object.keys(rules) as (keyof T & string)[];
  for (const name of Object.keys(given)) {
    if (!names.includes(name as keyof T & string)) {
      throw new RangeError(`${owner} has no option ${name}; it has ${names.join(', ')}.`);
    }
  }
  const entries = names.map((name) => {
    const { default: standard, expected, accepts } = rules[name];
    const value = given[name] === undefined ? standard : given[name];
    if (value !== standard && !accepts(value)) {
      throw new RangeError(`${owner}: ${name} is ${inspectValue(value)}; expected ${expected}.`);
    }
    return [name, value] as const;
  });
  return Object.fromEntries(entries) as T;
}

const isWhole = (value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

/** An integer ≥ `min`. */
export const wholeNumber = <T = number>(standard: T, min = 0): Rule<T> => ({
  default: standard,
  expected: `an integer ≥ ${min}`,
  accepts: (value) => isWhole(value, min),
});

/** Integers ≥ 1, as many as the default has. */
export const sizes = <T extends readonly number[]>(standard: T): Rule<T> => ({
  default: standard,
  expected: `${standard.length} integers ≥ 1, such as [${standard.join(', ')}]`,
  accepts: (value) => isListLike(standard, value) && value.every((item) => isWhole(item, 1)),
});

/** Numbers in [0, 1), as many as the default has. */
export const rates = <T extends readonly number[]>(standard: T): Rule<T> => ({
  default: standard,
  expected: `${standard.length} numbers in [0, 1), such as [${standard.join(', ')}]`,
  accepts: (value) => isListLike(standard, value) && value.every((item) => isNumberIn(item, 0, 1)),
});

export const trueOrFalse = (standard: boolean): Rule<boolean> => ({
  default: standard,
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
});

export const oneOf = <T>(standard: T, allowed: readonly T[]): Rule<T> => ({
  default: standard,
  expected: allowed.map((value) => inspectValue(value)).join(' or '),
  accepts: (value) => allowed.includes(value as T),
});

/**
 * The value, if it is an integer ≥ `min`.
 * @throws RangeError otherwise
 */
export function checkInteger(name: string, value: number, min: number): number {
  if (isWhole(value, min)) return value;
  throw new RangeError(`${name} is ${inspectValue(value)}; expected an integer ≥ ${min}.`);
}

/** Whether a value is a number, at least `min` and below `limit`. */
export const isNumberIn = (value: unknown, min: number, limit = Infinity): value is number =>
  typeof value === 'number' && value >= min && value < limit;

const isListLike = (standard: readonly unknown[], value: unknown): value is unknown[] =>
  Array.isArray(value) && value.length === standard.length;

/** A value in an error: enough of it to know it again. */
export function inspectValue(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : inspect(value, { depth: 1, maxArrayLength: 8, maxStringLength: 50, breakLength: Infinity, compact: true });
  return text.length > 200 ? `${text.slice(0, 200)} …` : text;
}
