// The safetensors format: an 8-byte header length, a JSON header, raw tensors. PyTorch reads and writes the same files.
import { readFileSync, statSync } from 'node:fs';
import { writeFileSafely } from './atomicFile';
import { inspectValue } from './options';
import { pathProblem } from './paths';

export type TensorData =
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

export interface TensorEntry {
  readonly shape: readonly number[];
  /**
   * As many as the shape says, the last axis running fastest. Floats of any width are float32, BOOL is uint8.
   * @throws Error when it is read, for a format that is not known here, such as F8_E4M3
   */
  readonly data: TensorData;
}

/** Tensors by name, in order. */
export type Tensors = ReadonlyMap<string, TensorEntry>;

export interface SafetensorsFile {
  readonly tensors: Tensors;
  /** Without a prototype: any key is just a key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What Node reads at once. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

type Arrays<T> = new (buffer: ArrayBuffer, offset: number, length: number) => T;

/** How each format is read: its bytes as they are, and what becomes of floats that are not float32. */
const FORMATS: Readonly<
  Record<string, { array: Arrays<TensorData | Float64Array>; toFloat32?: (bits: never) => number }>
> = {
  F64: { array: Float64Array, toFloat32: (value: number) => value },
  F32: { array: Float32Array },
  F16: { array: Uint16Array, toFloat32: float16 },
  BF16: { array: Uint16Array, toFloat32: bfloat16 },
  ...{
    I64: { array: BigInt64Array },
    U64: { array: BigUint64Array },
    I32: { array: Int32Array },
    U32: { array: Uint32Array },
  },
  ...{ I16: { array: Int16Array }, U16: { array: Uint16Array }, I8: { array: Int8Array }, U8: { array: Uint8Array } },
  BOOL: { array: Uint8Array },
};

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
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) throw new Error(`There is no file ${file}: ${pathProblem(file) ?? 'check its name'}.`);
  const found = !stat.isFile() ? 'it is no file' : `it has ${stat.size} bytes; expected at most ${MAX_FILE_BYTES}`;
  if (!stat.isFile() || stat.size > MAX_FILE_BYTES) throw new Error(`${file} cannot be read as safetensors: ${found}.`);
  return decodeSafetensors(readFileSync(file), file);
}

/**
 * The bytes of a safetensors file, in pieces (the tensors' own memory, not copied).
 * @throws RangeError when shape and data don't agree
 */
export function encodeSafetensors(tensors: Tensors, metadata: Readonly<Record<string, string>> = {}): Uint8Array[] {
  // Wide elements first, so that each tensor begins at a multiple of its element's size.
  const entries = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const header: [string, unknown][] = [['__metadata__', metadata]];
  let end = 0;
  for (const [name, { shape, data }] of entries) {
    if (name === '__metadata__') throw new RangeError('A tensor cannot be called __metadata__ in a safetensors file.');
    const [format] =
      Object.entries(FORMATS).find(([, { array, toFloat32 }]) => !toFloat32 && data instanceof array) ?? [];
    if (!format) {
      const kind = Object.prototype.toString.call(data);
      throw new RangeError(`${name}: ${kind} can't be saved as safetensors; expected Float32Array, or integers.`);
    }
    if (elements(shape) !== data.length) {
      const expected = `${elements(shape)} for the shape [${shape.join(', ')}]`;
      throw new RangeError(`${name}: ${data.length} values; expected ${expected}.`);
    }
    header.push([name, { dtype: format, shape, data_offsets: [end, (end += data.byteLength)] }]);
  }
  // Not an object, so that any name is just a name.
  const json = header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',');
  const text = new TextEncoder().encode(`{${json}}`);
  const head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(text, 8);
  if (head.length + end > MAX_FILE_BYTES) throw new RangeError(`Tensors of ${end} bytes; expected at most 2 GB.`);
  return [head, ...entries.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

/**
 * The tensors in the bytes of a safetensors file. They share the bytes' memory where they can.
 * @param file its name, for the errors
 * @throws Error for anything that is not as the format says
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): SafetensorsFile {
  const expect = (isRight: boolean, found: () => string): void => {
    if (!isRight) throw new Error(`${file} cannot be read as safetensors: ${found()}.`);
  };
  expect(!isTorchFile(bytes), () => `it is a file of torch.save; in Python: ${CONVERT}`);
  expect(bytes.length >= 8, () => `it has ${bytes.length} bytes; expected at least 8, the header's length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const most = Math.min(100e6, bytes.length - 8); // as in the format's own implementation
  expect(length <= BigInt(most), () => `its header has ${length} bytes; expected at most ${most}`);
  const data = bytes.subarray(8 + Number(length));
  const { __metadata__: texts = {}, ...header } = parseHeader(bytes.subarray(8, bytes.length - data.length), expect);
  const tensors = new Map<string, TensorEntry>();
  const ranges: [tensor: string, begin: number, end: number][] = [];
  for (const [name, value] of Object.entries(header)) {
    const tensor = JSON.stringify(name);
    expect(isObject(value), () => `${tensor} is described by ${JSON.stringify(value)}; expected an object`);
    const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
    expect(typeof dtype === 'string', () => `the dtype of ${tensor} is ${JSON.stringify(dtype)}; expected a name`);
    const sizes = shape as number[];
    const isShape = isSizes(shape) && Number.isSafeInteger(elements(shape));
    expect(isShape, () => `the shape of ${tensor} is ${JSON.stringify(shape)}; expected integers ≥ 0`);
    const [begin, end] = isSizes(offsets) ? offsets : [];
    const isRange = isSizes(offsets) && offsets.length === 2 && begin <= end && end <= data.length;
    expect(isRange, () => {
      const expected = `[begin, end] within the ${data.length} bytes of tensors that there are`;
      return `the data_offsets of ${tensor} are ${JSON.stringify(offsets)}; expected ${expected}`;
    });
    ranges.push([tensor, begin, end]);
    tensors.set(name, entryOf(dtype as string, sizes, data.subarray(begin, end), tensor, expect));
  }
  let at = 0;
  for (const [tensor, begin, end] of ranges.sort((a, b) => a[1] - b[1] || a[2] - b[2])) {
    expect(begin === at, () => `${tensor} begins at byte ${begin}; expected ${at}, where the one before ends`);
    at = end;
  }
  expect(at === data.length, () => `${data.length - at} bytes follow the last tensor; expected none`);
  const isTexts = isObject(texts) && Object.values(texts).every((text) => typeof text === 'string');
  expect(isTexts, () => `__metadata__ is ${inspectValue(texts)}; expected an object of texts`);
  return { tensors, metadata: Object.assign(Object.create(null), texts) as Record<string, string> };
}

type Expect = (isRight: boolean, found: () => string) => void;

function parseHeader(bytes: Uint8Array, expect: Expect): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (bytes[0] === 0x7b && isObject(header)) return header;
  } catch (error) {
    expect(false, () => `its header is not JSON (${(error as Error).message})`);
  }
  expect(false, () => 'its header is not a JSON object, as was expected');
  return {};
}

/** A tensor of a format that is not known here can't be read, but those beside it can. */
function entryOf(dtype: string, shape: number[], bytes: Uint8Array, tensor: string, expect: Expect): TensorEntry {
  const format = Object.hasOwn(FORMATS, dtype) ? FORMATS[dtype] : undefined;
  if (!format) {
    const found = `${tensor} is in the format ${inspectValue(dtype)}; expected one of ${Object.keys(FORMATS).join(', ')}`;
    return {
      shape,
      get data(): never {
        expect(false, () => found);
        throw new Error(found);
      },
    };
  }
  const { BYTES_PER_ELEMENT: size } = format.array as unknown as { BYTES_PER_ELEMENT: number };
  const expected = elements(shape) * size;
  const found = `${tensor} has ${bytes.length} bytes for the shape [${shape.join(', ')}] in ${dtype}`;
  expect(bytes.length === expected, () => `${found}; expected ${expected}`);
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  const data = new format.array(aligned.buffer as ArrayBuffer, aligned.byteOffset, bytes.length / size) as TensorData;
  return {
    shape,
    data: format.toFloat32 ? Float32Array.from(data as unknown as ArrayLike<never>, format.toFloat32) : data,
  };
}

const CONVERT = "safetensors.torch.save_file(torch.load('model.pt', weights_only=True), 'model.safetensors')";

/** A ZIP archive, or, before PyTorch 1.6, a pickle. */
const isTorchFile = (bytes: Uint8Array): boolean =>
  ['PK\u0003\u0004', '\u0080\u0002\u008a\u000a'].includes(Buffer.from(bytes.subarray(0, 4)).toString('latin1'));

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  floatBits[0] = bits << 16;
  return float[0];
}

/** A sign bit, 5 bits of exponent, 10 of fraction. */
function float16(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}
