// TensorBoard's events as bytes: protocol buffers (tensorflow/core/util/event.proto, framework/summary.proto), each in the
// frame of a TFRecord.
import { crc32c } from './crc32c';

/** What stands in a file of events. */
export interface Event {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  /** First of all in a file: 'brain.Event:2'. */
  readonly fileVersion?: string;
  /** That a run begins here: whatever an earlier one wrote from this step on is not shown. */
  readonly start?: boolean;
  readonly scalars?: Readonly<Record<string, number>>;
  readonly images?: Readonly<Record<string, Png>>;
  /** Markdown. */
  readonly texts?: Readonly<Record<string, string>>;
}

export interface Png {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** An event as a record: its length, the event, and a check sum of each. */
export function eventRecord(event: Event): Buffer {
  const content = encodeEvent(event);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(content.length));
  return Buffer.concat([length, maskedCrc(length), content, maskedCrc(content)]);
}

/** Masked as TFRecord wants it, because a check sum over data that hold check sums is a weak one. */
function maskedCrc(bytes: Uint8Array): Buffer {
  const crc = crc32c(bytes);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const result = Buffer.alloc(4);
  result.writeUInt32LE(masked);
  return result;
}

function encodeEvent({ wallTime, step, fileVersion, start, scalars = {}, images = {}, texts = {} }: Event): Buffer {
  const values = [
    ...Object.entries(scalars).map(([tag, value]) => message(1, text(1, tag), float(2, value))),
    ...Object.entries(images).map(([tag, image]) => message(1, text(1, tag), encodeImage(image))),
    ...Object.entries(texts).map(([tag, markdown]) => message(1, text(1, tag), ...encodeText(markdown))),
  ];
  return Buffer.concat([
    double(1, wallTime),
    step === undefined ? EMPTY : integer(2, step),
    fileVersion === undefined ? EMPTY : text(3, fileVersion),
    values.length > 0 ? message(5, ...values) : EMPTY,
    start ? message(7, integer(1, SESSION_START)) : EMPTY,
  ]);
}

const SESSION_START = 1;
const RGBA = 4;

const encodeImage = ({ png, width, height }: Png): Buffer =>
  message(4, integer(1, height), integer(2, width), integer(3, RGBA), field(4, png));

const DT_STRING = 7;

/** A tensor with one text in it, and the name of the plug-in that shows it. */
const encodeText = (markdown: string): Buffer[] => [
  message(8, integer(1, DT_STRING), message(2, message(2, integer(1, 1))), text(8, markdown)),
  message(9, message(1, text(1, 'text'))),
];

// Protocol buffers: a field is its number and kind, then its value.

const EMPTY = Buffer.alloc(0);

/** Seven bits a byte, the lowest first; the eighth says that there are more. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const key = (number: number, kind: 0 | 1 | 2 | 5): Buffer => varint(number * 8 + kind);

const integer = (number: number, value: number): Buffer => Buffer.concat([key(number, 0), varint(value)]);

const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([key(number, 2), varint(bytes.length), bytes]);

const text = (number: number, value: string): Buffer => field(number, Buffer.from(value));

const message = (number: number, ...fields: Buffer[]): Buffer => field(number, Buffer.concat(fields));

function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(number, 1), bytes]);
}

function float(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(number, 5), bytes]);
}
