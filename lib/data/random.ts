/** A source of random 32-bit integers. */
export type Random = () => number;

/**
 * Random numbers that are a pure function of the key: the same numbers give the same stream on every machine, in
 * every process. Keys are, for example, (seed, epoch): no state is hidden anywhere, so a run that is resumed draws what
 * it would have drawn. 0 is a key like any other.
 *
 * @throws when a number of the key is not an integer from 0 to 2^53 − 1.
 */
export function random(...key: readonly number[]): Random {
  let hash = mix(0x9e3779b9, key.length);
  for (const number of key) {
    if (!Number.isSafeInteger(number) || number < 0)
      throw new RangeError(`A seed, like an epoch, is an integer from 0 on; got ${String(number)}.`);
    hash = mix(hash, number >>> 0);
    hash = mix(hash, Math.floor(number / 2 ** 32));
  }
  return sfc32(mix(hash, 1), mix(hash, 2), mix(hash, 3));
}

/**
 * A random integer from 0 to n − 1, every one equally likely.
 * @throws RangeError when n is not an integer from 1 to 2^32
 */
export function randomInteger(next: Random, n: number): number {
  if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
    throw new RangeError(`randomInteger: n is ${n}; expected an integer from 1 to 2^32.`);
  }
  const limit = 2 ** 32 - (2 ** 32 % n); // beyond it, small numbers would be likelier
  let value = next();
  while (value >= limit) value = next();
  return value % n;
}

/** Shuffles in place (Fisher–Yates): every order is equally likely. Returns what it was given. */
export function shuffle<T extends { [index: number]: number; readonly length: number }>(values: T, next: Random): T {
  for (let i = values.length - 1; i > 0; i--) {
    const j = randomInteger(next, i + 1);
    const value = values[i];
    values[i] = values[j];
    values[j] = value;
  }
  return values;
}

/** MurmurHash3's step and final mix. */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  let h = hash ^ k;
  h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Chris Doty-Humphrey's Small Fast Counter generator, from PractRand. */
function sfc32(a: number, b: number, c: number): Random {
  let counter = 1;
  const next = () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  };
  for (let i = 0; i < 12; i++) next(); // as its author advises, so that similar keys part
  return next;
}
