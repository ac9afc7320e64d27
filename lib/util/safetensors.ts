// The safetensors format: an 8-byte header length, a JSON header, raw tensors. PyTorch reads and writes the same files.
import { readFileSync, statSync } from 'node:fs';
import { writeFileSafely } from './atomicFile';

/** Values of a tensor; their type decides the format in the file: F32, I64, I32, U8. */
export type TensorData = Float32Array | BigInt64Array | Int32Array | Uint8Array;

export interface TensorEntry {
  readonly shape: readonly number[];
  /** As many as the shape says, the last axis running fastest. */
  readonly data: TensorData;
}

/** Tensors by name, in order. */
export type Tensors = ReadonlyMap<string, TensorEntry>;

export interface SafetensorsFile {
  readonly tensors: Tensors;
  /** Without a prototype: any key is just a key. */
  readonly metadata: Readonly<Record<string, string>>;
}

const MAX_HEADER_BYTES = 100_000_000; // as in the format's own implementation
/** What Node reads at once. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

/** How each format is read: bytes of an element, and what becomes of them. The narrower floats become float32. */
const formats: ReadonlyMap<string, { size: number; decode: (bytes: Uint8Array) => TensorData }> = new Map([
  ['F64', { size: 8, decode: (bytes) => Float32Array.from(new Float64Array(...place(bytes, 8))) }],
  ['F32', { size: 4, decode: (bytes) => new Float32Array(...place(bytes, 4)) }],
  ['F16', { size: 2, decode: (bytes) => Float32Array.from(new Uint16Array(...place(bytes, 2)), float16) }],
  ['BF16', { size: 2, decode: bfloat16 }],
  ['I64', { size: 8, decode: (bytes) => new BigInt64Array(...place(bytes, 8)) }],
  ['I32', { size: 4, decode: (bytes) => new Int32Array(...place(bytes, 4)) }],
  ['U8', { size: 1, decode: (bytes) => new Uint8Array(...place(bytes, 1)) }],
]);

/**
 * Writes tensors to a file; until all is on the disk, the file is as it was before.
 * @throws RangeError when shape and data don't agree, SaveError when the disk refuses
 */
export function writeSafetensors(
  file: string,
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
): void {
  writeFileSafely(file, encodeSafetensors(tensors, metadata));
}

/**
 * Reads a file, strictly.
 * @throws Error for anything that is not as the format says, naming the file, what was found and what was expected
 */
export function readSafetensors(file: string): SafetensorsFile {
  const stat = statSync(file);
  if (!stat.isFile()) throw refusal(file, 'it is no file');
  if (stat.size > MAX_FILE_BYTES) throw refusal(file, `it has ${stat.size} bytes; expected at most ${MAX_FILE_BYTES}`);
  return decodeSafetensors(readFileSync(file), file);
}

/**
 * The bytes of a safetensors file, in pieces (the tensors' own memory, not copied).
 * @throws RangeError when shape and data don't agree
 */
export function encodeSafetensors(tensors: Tensors, metadata: Readonly<Record<string, string>> = {}): Uint8Array[] {
  // Wide elements first, so that each tensor begins at a multiple of its element's size.
  const entries = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const header = new Map<string, unknown>([['__metadata__', metadata]]);
  let end = 0;
  for (const [name, { shape, data }] of entries) {
    if (name === '__metadata__') throw new RangeError('A tensor cannot be called __metadata__ in a safetensors file.');
    if (elements(shape) !== data.length) {
      throw new RangeError(
        `${name}: ${data.length} values; expected ${elements(shape)} for the shape [${shape.join(', ')}].`,
      );
    }
    header.set(name, { dtype: formatOf(data), shape, data_offsets: [end, (end += data.byteLength)] });
  }
  const json = new TextEncoder().encode(jsonOf(header));
  const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);
  if (head.length + end > MAX_FILE_BYTES) throw new RangeError(`Tensors of ${end} bytes; expected at most 2 GB.`);
  return [head, ...entries.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

/**
 * The tensors in the bytes of a safetensors file. They share the bytes' memory where they can.
 * @param name of the file, for the errors
 * @throws Error for anything that is not as the format says
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): SafetensorsFile {
  const { __metadata__: metadata, ...header } = readHeader(bytes, name);
  const data = bytes.subarray(8 + headerLength(bytes, name));
  const tensors = new Map<string, TensorEntry>();
  const ranges: { tensor: string; begin: number; end: number }[] = [];
  for (const [tensor, value] of Object.entries(header)) {
    const { dtype, shape, begin, end } = readEntry(value, JSON.stringify(tensor), data.length, name);
    const format = formats.get(dtype);
    if (!format) {
      const known = [...formats.keys()].join(', ');
      throw refusal(
        name,
        `${JSON.stringify(tensor)} is in the format ${JSON.stringify(dtype)}; expected one of ${known}`,
      );
    }
    if (elements(shape) * format.size !== end - begin) {
      const found = `${end - begin} bytes for the shape [${shape.join(', ')}] in ${dtype}`;
      throw refusal(name, `${JSON.stringify(tensor)} has ${found}; expected ${elements(shape) * format.size}`);
    }
    ranges.push({ tensor, begin, end });
    tensors.set(tensor, { shape, data: format.decode(data.subarray(begin, end)) });
  }
  checkCover(ranges, data.length, name);
  return { tensors, metadata: readMetadata(metadata, name) };
}

function readHeader(bytes: Uint8Array, name: string): Record<string, unknown> {
  const length = headerLength(bytes, name);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch (error) {
    throw refusal(name, `its header is not JSON (${(error as Error).message})`);
  }
  if (bytes[8] !== 0x7b || !isObject(header)) throw refusal(name, 'its header is not a JSON object, as was expected');
  return header;
}

function headerLength(bytes: Uint8Array, name: string): number {
  if (bytes.length < 8) throw refusal(name, `it has ${bytes.length} bytes; expected at least 8, the header's length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const most = Math.min(MAX_HEADER_BYTES, bytes.length - 8);
  if (length > BigInt(most))
    throw refusal(name, `it says that its header has ${length} bytes; expected at most ${most}`);
  return Number(length);
}

function readEntry(value: unknown, tensor: string, dataLength: number, name: string) {
  if (!isObject(value)) throw refusal(name, `${tensor} is described by ${JSON.stringify(value)}; expected an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string')
    throw refusal(name, `the dtype of ${tensor} is ${JSON.stringify(dtype)}; expected a name`);
  if (!isSizes(shape) || !Number.isSafeInteger(elements(shape))) {
    throw refusal(name, `the shape of ${tensor} is ${JSON.stringify(shape)}; expected whole numbers from 0 on`);
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1] || offsets[1] > dataLength) {
    const expected = `[begin, end] within the ${dataLength} bytes of tensors that there are`;
    throw refusal(name, `the data_offsets of ${tensor} are ${JSON.stringify(offsets)}; expected ${expected}`);
  }
  return { dtype, shape, begin: offsets[0], end: offsets[1] };
}

/** Each byte belongs to one tensor. */
function checkCover(ranges: { tensor: string; begin: number; end: number }[], length: number, name: string): void {
  let at = 0;
  for (const { tensor, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at)
      throw refusal(
        name,
        `${JSON.stringify(tensor)} begins at byte ${begin}; expected ${at}, where the one before ends`,
      );
    at = end;
  }
  if (at !== length) throw refusal(name, `${length - at} bytes follow the last tensor; expected none`);
}

function readMetadata(metadata: unknown, name: string): Record<string, string> {
  const result = Object.create(null) as Record<string, string>;
  if (metadata === undefined) return result;
  if (!isObject(metadata))
    throw refusal(name, `__metadata__ is ${JSON.stringify(metadata)}; expected an object of texts`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      throw refusal(name, `${JSON.stringify(key)} in __metadata__ is ${JSON.stringify(value)}; expected a text`);
    }
    result[key] = value;
  }
  return result;
}

/** As JSON, also of names that would mean something else to an object. */
const jsonOf = (entries: ReadonlyMap<string, unknown>): string =>
  `{${[...entries].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;

function formatOf(data: TensorData): string {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof BigInt64Array) return 'I64';
  if (data instanceof Int32Array) return 'I32';
  if (data instanceof Uint8Array) return 'U8';
  throw new RangeError(
    `${Object.prototype.toString.call(data)} can't be saved as safetensors; expected Float32Array, Int32Array, BigInt64Array or ` +
      'Uint8Array.',
  );
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);

const refusal = (name: string, found: string): Error => new Error(`${name} cannot be read as safetensors: ${found}.`);

/** Where a typed array finds these bytes: in place, or in a copy if they don't begin at a multiple of the size. */
function place(bytes: Uint8Array, size: number): [buffer: ArrayBuffer, offset: number, length: number] {
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return [aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size];
}

/** The upper halves of float32 numbers. */
function bfloat16(bytes: Uint8Array): Float32Array {
  const halves = new Uint16Array(...place(bytes, 2));
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

/** A sign bit, 5 bits of exponent, 10 of fraction. */
function float16(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}
