import type { ImageShape } from './dataset';

/** One file of records: its name, how many records it must hold, and the sha256 of the official one. */
export interface RecordFile {
  readonly name: string;
  readonly records: number;
  readonly sha256?: string;
}

/** A record is a byte for the label, then 1,024 bytes of red, 1,024 of green, 1,024 of blue, row by row. */
export const IMAGE_SHAPE: ImageShape = Object.freeze([32, 32, 3] as const);
export const PIXEL_BYTES = 32 * 32 * 3;
export const RECORD_BYTES = 1 + PIXEL_BYTES;

export const CLASS_NAMES: readonly string[] = Object.freeze([
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
]);

/** The six files of the official binary version: five of training images, then the test images. */
export const OFFICIAL_FILES: readonly RecordFile[] = [
  'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
  'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed',
  'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67',
  '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48',
  '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add',
  '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b',
].map((sha256, i) => ({ name: fileName(i), records: 10_000, sha256 }));

/** The committed sample: the same six files, with fewer records. */
export const SAMPLE_FILES: readonly RecordFile[] = [60, 60, 60, 60, 60, 200].map((records, i) => ({
  name: fileName(i),
  records,
}));

function fileName(i: number): string {
  return i < 5 ? `data_batch_${i + 1}.bin` : 'test_batch.bin';
}
