import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { PNG } from 'pngjs';
import { type Cifar10, linear, loadCifar10, train, type TrainOptions, type TrainRecord } from 'cifar10';
import { crc32c } from 'cifar10/runs';
import { eventRecord } from 'cifar10/runs';
import { root, smallDisk, temporaryFolder } from '../project';

let data: Cifar10;
before(async () => {
  data = await loadCifar10({ sample: true });
});

/** 300 images in batches of 100: three steps an epoch. */
const small = { epochs: 2, batchSize: 100, lr: 0.05, precision: 'float32' } as const;
const STEPS = 3;

async function run(options: Partial<TrainOptions>, stopAfter = Infinity): Promise<TrainRecord[]> {
  const model = linear({ widths: [8, 8], seed: 1 });
  const all: TrainRecord[] = [];
  let steps = 0;
  try {
    for await (const record of train(model, data, { ...small, ...options })) {
      all.push(record);
      if (record.type === 'step' && ++steps === stopAfter) break;
    }
    return all;
  } finally {
    model.dispose();
  }
}

test('CRC-32C gives the values of RFC 3720', () => {
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('events are the bytes that TensorBoard itself writes', () => {
  const golden = readFileSync(join(root, 'test', 'fixtures', 'tensorboard', 'golden.tfevents'));
  const png = Uint8Array.from({ length: 200 }, (_, i) => i);
  const written = Buffer.concat([
    eventRecord({ wallTime: 1700000000.25, fileVersion: 'brain.Event:2' }),
    eventRecord({ wallTime: 1700000000.5, step: 300, start: true }),
    eventRecord({ wallTime: 1700000001.75, step: 301, scalars: { 'loss/training': 2.302585, 'accuracy/ü': 0.1 } }),
    eventRecord({ wallTime: 1700000002, step: 5e9, images: { mistakes: { png, width: 300, height: 2 } } }),
    eventRecord({ wallTime: 1700000003, step: 1, texts: { answers: '| a |' } }),
  ]);
  assert.deepEqual(written, golden);
});

test('a run writes each step’s loss, accuracy and learning rate, and each epoch’s scores, as its records have them', async (t) => {
  const dir = join(temporaryFolder(t), 'new', 'run');
  const records = await run({
    tensorboard: dir,
    validation: 100,
    batchSize: 50,
    lr: (progress) => 0.1 - progress / 20,
  });
  const shown = readBoard(dir);
  const float = (values: number[]) => [...Float32Array.from(values)];
  const steps = records.filter((record) => record.type === 'step');
  const epochs = records.filter((record) => record.type === 'epoch');
  assert.deepEqual(
    shown.scalars.get('batch/loss')!.map(({ step }) => step),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  const valuesOf = (tag: string) => shown.scalars.get(tag)!.map(({ value }) => value);
  assert.deepEqual(valuesOf('batch/loss'), float(steps.map(({ loss }) => loss)));
  assert.deepEqual(valuesOf('batch/accuracy'), float(steps.map(({ accuracy }) => accuracy)));
  assert.deepEqual(valuesOf('batch/learning rate'), float(steps.map(({ lr }) => lr)));
  assert.deepEqual(
    shown.scalars.get('loss/test')!.map(({ step }) => step),
    [4, 8],
  );
  assert.deepEqual(valuesOf('loss/training'), float(epochs.map(({ train }) => train.loss)));
  assert.deepEqual(valuesOf('accuracy/test'), float(epochs.map(({ test }) => test.accuracy)));
  assert.deepEqual(valuesOf('accuracy/validation'), float(epochs.map(({ validation }) => validation!.accuracy)));
});

test('pictures of the mistakes come after each epoch, and what the model said of them', async (t) => {
  const dir = temporaryFolder(t);
  await run({ tensorboard: dir });
  const { images, texts } = readBoard(dir);
  const pictures = images.get('mistakes/pictures')!;
  assert.deepEqual(
    pictures.map(({ step }) => step),
    [STEPS, 2 * STEPS],
  );
  const { width, height } = PNG.sync.read(pictures[0].png);
  assert.deepEqual([pictures[0].width, pictures[0].height], [width, height]);
  const [first] = texts.get('mistakes/answers')!;
  assert.match(first.text, /^\| picture \| the model says .*\n.*\n\| 1 \| [a-z]+ \| \d+\.\d % \| [a-z]+ \|\n/);
  assert.equal(first.text.split('\n').length, 2 + 16);
});

test('the numbers of a run are the same with and without it, and no tensor is left, also after a break', async (t) => {
  const numbers = (records: TrainRecord[]) =>
    records.map((record) => (record.type === 'step' ? record.loss : record.type === 'epoch' ? record.test : 0));
  const plain = await run({});
  const count = tf.memory().numTensors;
  assert.deepEqual(numbers(await run({ tensorboard: temporaryFolder(t) })), numbers(plain));
  await run({ tensorboard: temporaryFolder(t) }, 4);
  assert.equal(tf.memory().numTensors, count);
});

test('a run that begins anew in the same folder takes the place of the one before', async (t) => {
  const dir = temporaryFolder(t);
  await run({ tensorboard: dir, epochs: 3 });
  const records = await run({ tensorboard: dir, epochs: 2, lr: 0.01 });
  assert.deepEqual(stepsOf(dir), [1, 2, 3, 4, 5, 6]);
  const [first] = records.flatMap((record) => (record.type === 'epoch' ? [record.train.loss] : []));
  assert.equal(readBoard(dir).scalars.get('loss/training')![0].value, Math.fround(first));
});

test('stopped and gone on with: the files together show what one run without a stop shows', async (t) => {
  const [dir, straight] = [temporaryFolder(t), temporaryFolder(t)];
  const checkpoint = { dir: temporaryFolder(t) };
  await run({ tensorboard: dir, checkpoint, epochs: 3 }, 4);
  await run({ tensorboard: dir, checkpoint, epochs: 3 }, 2);
  await run({ tensorboard: dir, checkpoint, epochs: 3 });
  assert.equal(readdirSync(dir).length, 3);
  await run({ tensorboard: straight, epochs: 3 });
  const without = ({ scalars, ...others }: Board) => {
    scalars.delete('speed/images per second');
    return { scalars, ...others };
  };
  assert.deepEqual(without(readBoard(dir)), without(readBoard(straight)));
  await run({ tensorboard: dir, checkpoint, epochs: 3 });
  assert.equal(readdirSync(dir).length, 3, 'a run that is over writes nothing');
});

test('what was written past the checkpoint by a run that was killed is not shown twice', async (t) => {
  const [dir, checkpoint] = [temporaryFolder(t), { dir: temporaryFolder(t), everyEpochs: 1 }];
  await run({ tensorboard: dir, checkpoint, epochs: 1 });
  // As a kill leaves it: steps that no checkpoint has, and half of an event.
  const beyond = eventRecord({ wallTime: 1, step: 4, scalars: { 'batch/loss': 77 } });
  const [file] = readdirSync(dir);
  writeFileSync(join(dir, file), Buffer.concat([readFileSync(join(dir, file)), beyond, beyond.subarray(0, 20)]));
  await run({ tensorboard: dir, checkpoint, epochs: 2 });
  const losses = readBoard(dir).scalars.get('batch/loss')!;
  assert.deepEqual(
    losses.map(({ step }) => step),
    [1, 2, 3, 4, 5, 6],
  );
  assert.ok(losses.every(({ value }) => value < 10));
});

function warnings(t: TestContext): string[] {
  const said: string[] = [];
  t.mock.method(console, 'warn', (line: string) => said.push(line));
  return said;
}

test('a folder that can’t be made is told of once, and the training goes on', async (t) => {
  const said = warnings(t);
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const records = await run({ tensorboard: join(file, 'below') });
  assert.equal(records.filter(({ type }) => type === 'epoch').length, 2);
  assert.equal(said.length, 1);
  assert.match(
    said[0],
    /TensorBoard's file in .*below can't be written \(.*ENOTDIR.*\)\. The training goes on without it\./,
  );
});

test('pictures that can’t be made are told of once; the epoch’s numbers are there, and the training goes on', async (t) => {
  const said = warnings(t);
  const dir = temporaryFolder(t);
  t.mock.method(PNG.sync, 'write', () => {
    throw new Error('no pictures today');
  });
  const records = await run({ tensorboard: dir });
  assert.equal(records.filter(({ type }) => type === 'epoch').length, 2);
  assert.deepEqual(said, [
    'TensorBoard gets no pictures of mistakes (no pictures today). The training goes on without them.',
  ]);
  assert.deepEqual(
    readBoard(dir)
      .scalars.get('accuracy/test')!
      .map(({ step }) => step),
    [STEPS, 2 * STEPS],
  );
});

test('a disk that gets full is told of once, and the training goes on', async (t) => {
  const disk = smallDisk(t, '16k');
  if (!disk) return t.skip('this user may not make a small disk');
  const said = warnings(t);
  mkdirSync(join(disk, 'run'));
  const records = await run({ tensorboard: join(disk, 'run') });
  assert.equal(records.filter(({ type }) => type === 'epoch').length, 2);
  assert.equal(said.length, 1);
  assert.match(said[0], /ENOSPC/);
});

test('a folder that is no text is refused at once', () => {
  const model = linear({ widths: [4, 4] });
  assert.throws(() => train(model, data, { tensorboard: '' }), /tensorboard is ""; expected a folder/);
  model.dispose();
});

// A reader of its own: records, protocol buffers, and what TensorBoard shows of them.

interface Board {
  scalars: Map<string, { step: number; value: number }[]>;
  images: Map<string, { step: number; width: number; height: number; png: Buffer }[]>;
  texts: Map<string, { step: number; text: string }[]>;
}

const stepsOf = (dir: string) =>
  readBoard(dir)
    .scalars.get('batch/loss')!
    .map(({ step }) => step);

function readBoard(dir: string): Board {
  const board: Board = { scalars: new Map(), images: new Map(), texts: new Map() };
  const add = <T>(map: Map<string, T[]>, tag: string, item: T) => map.set(tag, [...(map.get(tag) ?? []), item]);
  for (const file of readdirSync(dir).sort()) {
    assert.match(file, /tfevents/);
    const [version, ...events] = readRecords(readFileSync(join(dir, file)));
    assert.equal(decode(version).get(3)![0].toString(), 'brain.Event:2');
    for (const bytes of events) {
      const event = decode(bytes);
      assert.ok(
        Math.abs(event.get(1)![0].readDoubleLE() - Date.now() / 1000) < 600 || event.get(1)![0].readDoubleLE() === 1,
      );
      const step = varint(event.get(2)![0]);
      if (event.has(7)) {
        // A start: what was there from this step on is void.
        assert.equal(varint(decode(event.get(7)![0]).get(1)![0]), 1);
        for (const map of Object.values(board) as Map<string, { step: number }[]>[]) {
          for (const [tag, items] of map)
            map.set(
              tag,
              items.filter((item) => item.step < step),
            );
        }
      }
      if (!event.has(5)) continue;
      for (const value of decode(event.get(5)![0]).get(1)!.map(decode)) {
        const tag = value.get(1)![0].toString();
        if (value.has(2)) add(board.scalars, tag, { step, value: value.get(2)![0].readFloatLE() });
        if (value.has(4)) {
          const image = decode(value.get(4)![0]);
          const [height, width] = [1, 2].map((field) => varint(image.get(field)![0]));
          add(board.images, tag, { step, width, height, png: image.get(4)![0] });
        }
        if (value.has(8)) add(board.texts, tag, { step, text: decode(value.get(8)![0]).get(8)![0].toString() });
      }
    }
  }
  return board;
}

/** The contents of whole records; half a one at the end is as if it were not there. */
function readRecords(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + 12 <= file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    if (at + 16 + length > file.length) break;
    const content = file.subarray(at + 12, at + 12 + length);
    assert.equal(file.readUInt32LE(at + 8), maskedCrc(file.subarray(at, at + 8)), 'check sum of the length');
    assert.equal(file.readUInt32LE(at + 12 + length), maskedCrc(content), 'check sum of the content');
    records.push(content);
    at += 16 + length;
  }
  return records;
}

/** Bit by bit, by the definition of the polynomial. */
function maskedCrc(bytes: Buffer): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x82f63b78n : 0n);
  }
  crc ^= 0xffffffffn;
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

/** The fields of a message, each with the bytes of all its values. */
function decode(bytes: Buffer): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  let at = 0;
  const next = () => {
    const start = at;
    while (bytes[at++] & 0x80);
    return bytes.subarray(start, at);
  };
  while (at < bytes.length) {
    const key = varint(next());
    const size = { 0: () => next().length, 1: () => 8, 2: () => varint(next()), 5: () => 4 }[key & 7]!();
    const start = (key & 7) === 0 ? at - size : at;
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), bytes.subarray(start, start + size)]);
    at = start + size;
  }
  return fields;
}

const varint = (bytes: Buffer) => bytes.reduce((sum, byte, i) => sum + (byte & 0x7f) * 2 ** (7 * i), 0);
