import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeSafetensors, encodeSafetensors, readSafetensors, type Tensors, writeSafetensors } from 'cifar10/util';
import { temporaryFolder } from '../project';

/** A file's bytes, from its header (a text, or what becomes JSON) and so many bytes of data. */
function bytesOf(header: unknown, data: number | Uint8Array = 0): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Uint8Array.from(Buffer.concat([length, text, typeof data === 'number' ? Buffer.alloc(data) : data]));
}

const tensor = (dtype: unknown, shape: unknown, ...offsets: unknown[]) => ({ dtype, shape, data_offsets: offsets });

const all: Tensors = new Map([
  ['bytes', { shape: [3], data: Uint8Array.of(1, 2, 255) }],
  ['float', { shape: [2, 2], data: Float32Array.of(1.5, -0, NaN, 1e-45) }],
  ['count', { shape: [], data: BigInt64Array.of(-(2n ** 63n)) }],
  ['whole', { shape: [1, 2], data: Int32Array.of(-1, 2 ** 31 - 1) }],
  ['nothing', { shape: [0, 5], data: new Float32Array(0) }],
  ['größer "…"', { shape: [1], data: Float32Array.of(7) }],
  ['__proto__', { shape: [1], data: Float32Array.of(8) }],
]);

test('what is written is read again: every format, odd names, empty tensors, metadata', (t) => {
  const file = join(temporaryFolder(t), 'a.safetensors');
  const metadata = JSON.parse('{"epoch":"3","__proto__":"x"}') as Record<string, string>;
  writeSafetensors(file, all, metadata);
  const found = readSafetensors(file);
  assert.deepEqual(new Map([...found.tensors].sort()), new Map([...all].sort()));
  assert.deepEqual(Object.entries(found.metadata), Object.entries(metadata));
  assert.equal(Object.getPrototypeOf(found.metadata), null);
});

test('the layout is that of the format: padded header, wide elements first, each tensor after the other', () => {
  const [head, ...pieces] = encodeSafetensors(all, { a: 'b' });
  assert.equal(head.length % 8, 0);
  assert.equal(Buffer.from(head).readBigUInt64LE(), BigInt(head.length - 8));
  const header = JSON.parse(Buffer.from(head.subarray(8)).toString()) as Record<string, unknown>;
  assert.deepEqual(header.__metadata__, { a: 'b' });
  assert.deepEqual(header.count, tensor('I64', [], 0, 8));
  assert.deepEqual(header.float, tensor('F32', [2, 2], 8, 24));
  assert.deepEqual(header.bytes, tensor('U8', [3], 40, 43));
  assert.equal(Buffer.concat(pieces).length, 43);
});

test('floats of 64 and 16 bits become float32', () => {
  const data = Buffer.alloc(40);
  [1 / 3, -1e-3].forEach((value, i) => data.writeDoubleLE(value, 8 * i));
  [0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00, 0xfe00, 0x3555].forEach((bits, i) =>
    data.writeUInt16LE(bits, 16 + 2 * i),
  );
  [0x3f80, 0xc049, 0x7f80, 0x0001].forEach((bits, i) => data.writeUInt16LE(bits, 32 + 2 * i));
  const header = { d: tensor('F64', [2], 0, 16), h: tensor('F16', [8], 16, 32), b: tensor('BF16', [4], 32, 40) };
  const { tensors } = decodeSafetensors(bytesOf(header, data), 'x');
  assert.deepEqual(tensors.get('d')?.data, Float32Array.of(1 / 3, -1e-3));
  assert.deepEqual(tensors.get('h')?.data, Float32Array.of(1, -2, 65504, 2 ** -24, -0, Infinity, NaN, 1365 / 4096));
  assert.deepEqual(tensors.get('b')?.data, Float32Array.of(1, -3.140625, Infinity, 2 ** -133));
});

test('integers of all widths and booleans stay what they are', () => {
  const tensors = [
    ...[BigInt64Array.of(-1n), BigUint64Array.of(2n ** 64n - 1n), Int32Array.of(-1), Uint32Array.of(2 ** 32 - 1)],
    ...[Int16Array.of(-1), Uint16Array.of(65535), Int8Array.of(-1), Uint8Array.of(255)],
  ].map((data) => [data.constructor.name, { shape: [1], data }] as const);
  const { tensors: found } = decodeSafetensors(Buffer.concat(encodeSafetensors(new Map(tensors))), 'x');
  assert.deepEqual(new Map([...found].sort()), new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1))));
  const flags = decodeSafetensors(bytesOf({ b: tensor('BOOL', [2], 0, 2) }, Uint8Array.of(1, 0)), 'x').tensors.get('b');
  assert.deepEqual(flags?.data, Uint8Array.of(1, 0));
});

for (const dtype of ['F8_E4M3', 'constructor']) {
  test(`a tensor in the format ${dtype} is refused when it is asked for; those beside it are read`, () => {
    const header = { odd: tensor(dtype, [4], 0, 4), w: tensor('F32', [1], 4, 8) };
    const { tensors } = decodeSafetensors(bytesOf(header, 8), 'x');
    assert.deepEqual(tensors.get('w')?.data, Float32Array.of(0));
    assert.deepEqual(tensors.get('odd')?.shape, [4]);
    assert.throws(
      () => tensors.get('odd')?.data,
      new RegExp(`x .*: "odd" is in the format "${dtype}"; expected one of F64, F32`),
    );
  });
}

test('a missing file, and a path of the shell', () => {
  assert.throws(
    () => readSafetensors('/none/w.safetensors'),
    /There is no file \/none\/w\.safetensors: check its name/,
  );
  assert.throws(
    () => readSafetensors('~/w.safetensors'),
    /There is no file ~\/w\.safetensors: ~ is something of the shell's; write/,
  );
});

test('tensors are read right wherever the bytes begin', () => {
  const whole = Buffer.concat(encodeSafetensors(all));
  for (let shift = 0; shift < 9; shift++) {
    const bytes = new Uint8Array(whole.length + shift).subarray(shift);
    bytes.set(whole);
    assert.deepEqual(decodeSafetensors(bytes, 'x').tensors.get('float'), all.get('float'));
  }
});

test('what the shape does not say is not written', () => {
  for (const shape of [[3], [2, 2, 2], []]) {
    const tensors: Tensors = new Map([['w', { shape, data: new Float32Array(4) }]]);
    assert.throws(() => encodeSafetensors(tensors), /w: 4 values; expected \d for the shape \[/);
  }
  assert.throws(
    () => encodeSafetensors(new Map([['__metadata__', { shape: [0], data: new Uint8Array(0) }]])),
    /__metadata__/,
  );
  const wide = new Map([['w', { shape: [2], data: Float64Array.of(1, 2) as unknown as Float32Array }]]);
  assert.throws(
    () => encodeSafetensors(wide),
    /Float64Array\] can't be saved as safetensors; expected Float32Array, or integers/,
  );
});

const f32 = (shape: unknown, ...offsets: unknown[]) => tensor('F32', shape, ...offsets);

const refused: { what: string; bytes: Uint8Array; error: RegExp }[] = [
  { what: 'an empty file', bytes: new Uint8Array(0), error: /it has 0 bytes; expected at least 8/ },
  { what: 'a file of 7 bytes', bytes: new Uint8Array(7), error: /it has 7 bytes/ },
  { what: 'no header', bytes: new Uint8Array(8), error: /header is not JSON/ },
  {
    what: 'a header of 100 GB',
    bytes: Uint8Array.from([...Buffer.from([0, 0xe8, 0x76, 0x48, 0x17, 0, 0, 0]), 0x7b, 0x7d]),
    error: /its header has 100000000000 bytes; expected at most 2\./,
  },
  {
    what: 'the longest header',
    bytes: new Uint8Array(16).fill(255),
    error: /has 18446744073709551615 bytes; expected at most 8\./,
  },
  { what: 'a header that is cut short', bytes: bytesOf('{"w":{"dtype"'), error: /header is not JSON/ },
  {
    what: 'a header that is no UTF-8',
    bytes: bytesOf('{"\u{fffd}":1}').map((b) => (b === 0xef ? 0xff : b)),
    error: /not JSON/,
  },
  { what: 'a list as header', bytes: bytesOf([1]), error: /header is not a JSON object/ },
  { what: 'null as header', bytes: bytesOf('null'), error: /header is not a JSON object/ },
  { what: 'space before the header', bytes: bytesOf(' {}'), error: /header is not a JSON object/ },
  { what: 'brackets without end', bytes: bytesOf('{"a":'.repeat(1e6)), error: /header is not JSON/ },
  { what: 'a tensor that is a number', bytes: bytesOf({ w: 5 }), error: /"w" .*described by 5; expected an object/ },
  { what: 'a tensor that is null', bytes: bytesOf({ w: null }), error: /described by null/ },
  {
    what: 'a format that is no name',
    bytes: bytesOf({ w: tensor(['F32'], [1], 0, 4) }, 4),
    error: /dtype of "w" is \["F32"\]/,
  },
  {
    what: 'no shape',
    bytes: bytesOf({ w: { dtype: 'F32', data_offsets: [0, 4] } }, 4),
    error: /shape of "w" is undefined/,
  },
  { what: 'a size below 0', bytes: bytesOf({ w: f32([-1, -1], 0, 4) }, 4), error: /shape of "w" is \[-1,-1\]/ },
  { what: 'half a size', bytes: bytesOf({ w: f32([0.5, 2], 0, 4) }, 4), error: /shape of "w" is \[0\.5,2\]/ },
  { what: 'a size in a text', bytes: bytesOf({ w: f32(['1'], 0, 4) }, 4), error: /shape of "w" is \["1"\]/ },
  {
    what: 'a shape beyond all numbers',
    bytes: bytesOf({ w: f32([2 ** 40, 2 ** 40], 0, 4) }, 4),
    error: /shape of "w" is/,
  },
  {
    what: 'a size of 1e400',
    bytes: bytesOf('{"w":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}', 4),
    error: /shape of "w" is/,
  },
  {
    what: 'a shape of more bytes',
    bytes: bytesOf({ w: f32([2], 0, 4) }, 4),
    error: /"w" has 4 bytes for the shape \[2\] in F32; expected 8/,
  },
  { what: 'a shape of fewer bytes', bytes: bytesOf({ w: f32([1], 0, 8) }, 8), error: /has 8 bytes .*; expected 4/ },
  {
    what: 'one offset',
    bytes: bytesOf({ w: f32([1], 0) }, 4),
    error: /data_offsets of "w" are \[0\]; expected \[begin, end\]/,
  },
  {
    what: 'offsets the wrong way round',
    bytes: bytesOf({ w: f32([1], 4, 0) }, 4),
    error: /data_offsets of "w" are \[4,0\]/,
  },
  { what: 'an offset below 0', bytes: bytesOf({ w: f32([1], -4, 0) }, 4), error: /data_offsets of "w" are \[-4,0\]/ },
  {
    what: 'an end behind the file',
    bytes: bytesOf({ w: f32([2], 0, 8) }, 4),
    error: /data_offsets of "w" are \[0,8\]; expected .* within the 4 bytes/,
  },
  {
    what: 'tensors that overlap',
    bytes: bytesOf({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12),
    error: /"b" begins at byte 4; expected 8/,
  },
  {
    what: 'two tensors of the same bytes',
    bytes: bytesOf({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4),
    error: /"b" begins at byte 0; expected 4/,
  },
  {
    what: 'a gap',
    bytes: bytesOf({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12),
    error: /"b" begins at byte 8; expected 4/,
  },
  {
    what: 'a gap before the first',
    bytes: bytesOf({ a: f32([1], 4, 8) }, 8),
    error: /"a" begins at byte 4; expected 0/,
  },
  {
    what: 'bytes behind the last tensor',
    bytes: bytesOf({ a: f32([1], 0, 4) }, 5),
    error: /1 bytes follow the last tensor; expected none/,
  },
  {
    what: 'metadata that is a list',
    bytes: bytesOf({ __metadata__: ['a'] }),
    error: /__metadata__ is \[ 'a' \]; expected an object of texts/,
  },
  {
    what: 'metadata with a number',
    bytes: bytesOf({ __metadata__: { epoch: 3 } }),
    error: /__metadata__ is \{ epoch: 3 \}; expected an object of texts/,
  },
  {
    what: 'a .pt file',
    bytes: Uint8Array.from(Buffer.from('PK\x03\x04 archive/data.pkl')),
    error: /it is a file of torch\.save; in Python: safetensors\.torch\.save_file\(torch\.load/,
  },
];

for (const { what, bytes, error } of refused) {
  test(`${what}: refused, with the file's name`, (t) => {
    const file = join(temporaryFolder(t), 'hostile.safetensors');
    writeFileSync(file, bytes);
    assert.throws(() => readSafetensors(file), error);
    assert.throws(() => readSafetensors(file), { message: /hostile\.safetensors/ });
  });
}

test('a file of many gigabytes, a folder and a pipe are refused without reading them', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'huge');
  writeFileSync(file, '');
  truncateSync(file, 100e9); // takes no room
  assert.throws(
    () => readSafetensors(file),
    /huge cannot be read as safetensors: it has 100000000000 bytes; expected at most/,
  );
  assert.throws(() => readSafetensors(folder), /it is no file/);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  assert.throws(() => readSafetensors(join(folder, 'pipe')), /it is no file/);
});

test('names that mean something to objects change no object', () => {
  const header = `{"__proto__":${JSON.stringify(f32([1], 0, 4))},"constructor":${JSON.stringify(f32([1], 4, 8))}}`;
  const { tensors } = decodeSafetensors(bytesOf(header, 8), 'x');
  assert.deepEqual([...tensors.keys()], ['__proto__', 'constructor']);
  assert.equal(({} as Record<string, unknown>).dtype, undefined);
});
