// The manifest of a checkpoint: a small JSON file that names the others, and vouches for them and for itself.
import { createHash } from 'node:crypto';
import type { Fingerprint } from '../util/atomicFile';
import { inspectValue } from '../util/options';

/** Whatever JSON can hold. */
export type Info = Readonly<Record<string, unknown>>;

export interface Manifest {
  /** Checkpoints are in the order of these numbers, whatever the clock says. */
  readonly ordinal: number;
  /** ISO 8601; for people. */
  readonly savedAt: string;
  readonly best: boolean;
  readonly weights: Fingerprint;
  readonly state: Fingerprint;
  readonly info: Info;
}

/** The checkpoint is good, but not for this version of the library. */
export class UnknownVersion extends Error {}

const VERSION = 1;

export const MAX_ORDINAL = 999_999_999_999;

export type Part = 'manifest' | 'weights' | 'state';

const ENDINGS: Readonly<Record<Part, string>> = {
  manifest: 'json',
  weights: 'weights.safetensors',
  state: 'state.safetensors',
};

export const fileName = (ordinal: number, part: Part): string =>
  `checkpoint-${String(ordinal).padStart(8, '0')}.${ENDINGS[part]}`;

/** The number in a file's name, if it is the name of a checkpoint's file. */
export function ordinalIn(name: string): number | undefined {
  const [, digits] = /^checkpoint-(\d{8,12})\./.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * @returns JSON: {"sha256": of the manifest, "manifest": {…}}
 * @throws RangeError when the info has something that JSON cannot hold, or would give back as something else, and its name
 */
export function encodeManifest({ ordinal, savedAt, best, weights, state, info }: Manifest): Uint8Array {
  const describe = (part: 'weights' | 'state', { size, sha256 }: Fingerprint) => ({
    name: fileName(ordinal, part),
    size,
    sha256,
  });
  const content = {
    format: 'cifar10 checkpoint',
    version: VERSION,
    ordinal,
    savedAt,
    best,
    files: { weights: describe('weights', weights), state: describe('state', state) },
    info,
  };
  const text = JSON.stringify(content, refuseWhatJsonLoses, 1);
  return new TextEncoder().encode(`{"sha256":"${sha256(text)}","manifest":${text}}\n`);
}

/**
 * @param ordinal in the name of the file
 * @throws Error when it is damaged or not as expected, UnknownVersion when a later version of the library wrote it
 */
export function decodeManifest(bytes: Uint8Array, ordinal: number): Manifest {
  const [, expected, text] = /^\{"sha256":"([0-9a-f]{64})","manifest":(\{.*\})\}\n$/s.exec(latin1(bytes)) ?? [];
  const content = text === undefined ? undefined : Buffer.from(text, 'latin1');
  if (!content || sha256(content) !== expected) throw new Error('it is damaged (its sha256 differs)');
  const found = readObject('it', JSON.parse(content.toString('utf8'), refusePrototypes));
  if (found.format !== 'cifar10 checkpoint') throw new Error('it is no manifest of a checkpoint');
  if (found.version !== VERSION) {
    throw new UnknownVersion(`its version is ${JSON.stringify(found.version)}; this cifar10 reads version ${VERSION}`);
  }
  const files = readObject('files', found.files);
  check('ordinal', found.ordinal, found.ordinal === ordinal, `${ordinal}, as in the file's name`);
  check('savedAt', found.savedAt, typeof found.savedAt === 'string', 'a time');
  check('best', found.best, typeof found.best === 'boolean', 'true or false');
  return {
    ordinal,
    savedAt: found.savedAt as string,
    best: found.best as boolean,
    weights: readFingerprint('weights', files.weights, ordinal),
    state: readFingerprint('state', files.state, ordinal),
    info: readObject('info', found.info),
  };
}

function readFingerprint(part: 'weights' | 'state', value: unknown, ordinal: number): Fingerprint {
  const { name, size, sha256 } = readObject(`files.${part}`, value);
  // No other name is ever opened: a manifest cannot lead out of its folder.
  check(`files.${part}.name`, name, name === fileName(ordinal, part), fileName(ordinal, part));
  check(`files.${part}.size`, size, Number.isSafeInteger(size) && (size as number) >= 0, 'a number of bytes');
  check(`files.${part}.sha256`, sha256, typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256), '64 hex digits');
  return { size: size as number, sha256: sha256 as string };
}

function readObject(name: string, value: unknown): Record<string, unknown> {
  check(name, value, typeof value === 'object' && value !== null && !Array.isArray(value), 'an object');
  return value as Record<string, unknown>;
}

function check(name: string, value: unknown, isRight: boolean, expected: string): void {
  if (!isRight) throw new Error(`${name} is ${JSON.stringify(value)?.slice(0, 100)}; expected ${expected}`);
}

function refuseWhatJsonLoses(key: string, value: unknown): unknown {
  if (key === '__proto__' || !isPlain(value)) {
    throw new RangeError(`${key} in a checkpoint's info is ${inspectValue(value)}; expected what JSON can hold.`);
  }
  return value;
}

const PLAIN = ['[object Null]', '[object Object]', '[object Array]'];

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  // Not by its prototype: an object of another realm (node:vm) has another one.
  if (typeof value === 'object') return PLAIN.includes(Object.prototype.toString.call(value));
  return ['string', 'boolean', 'undefined'].includes(typeof value);
}

function refusePrototypes(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new Error('it has a key __proto__');
  return value;
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
