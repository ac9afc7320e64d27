// Numbers as a person reads them.

/** A time for the reader: 8 s, 2 min 05 s, 1 h 07 min. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** A probability as a person reads it: 0.94 is 94 %; near 0 and 1 with a decimal, so that 99.7 % does not look certain. */
export function percent(probability: number): string {
  const value = 100 * probability;
  const rounded = Number(value.toFixed(value < 1 || value > 99 ? 1 : 0));
  if (rounded === 100 && value < 100) return '>99.9 %';
  if (rounded === 0 && value > 0) return '<0.1 %';
  return `${rounded} %`;
}

/** An integer with its thousands marked: 5,000. */
export const count = (value: number): string => value.toLocaleString('en');

export type Decimals = 0 | 1 | 2 | 3 | 4;

/**
 * Integers with thousands marked, others to four places, and small ones to three digits: 5,000; 0.8125; 0.00002.
 * @param decimals at least so many
 */
export function readable(value: number | bigint, decimals: Decimals = 0): string {
  const isSmall = value > -0.01 && value < 0.01;
  if (isSmall && decimals === 0) return value.toLocaleString('en', { maximumSignificantDigits: 3 });
  return value.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: 4 });
}
