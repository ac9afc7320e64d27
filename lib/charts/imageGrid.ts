import { PNG } from 'pngjs';
import { PIXEL_BYTES } from '../data/files';
import { encodePicture, type Picture } from './picture';

/** Images of 32 × 32 pixels, rows of interleaved red, green, blue: 3,072 bytes each. */
export interface Images {
  readonly images: Uint8Array;
}

export interface GridOptions {
  /** Images in a row; default: 20. */
  columns?: number;
  /** How many images; default: all. */
  count?: number;
  /** Each pixel becomes a square of scale × scale, with hard edges: nothing is smoothed; default: 2. */
  scale?: number;
  /** Transparent space between images, in px; default: 4. */
  gap?: number;
}

const SIDE = 32;
// More make a notebook that hardly opens.
const MAX_IMAGES = 2500;
const MAX_PIXELS = 16e6;

/**
 * Images as one picture, row after row.
 * @throws RangeError on options that make no picture
 */
export function imageGrid({ images }: Images, options: GridOptions = {}): Picture {
  const available = images.length / PIXEL_BYTES;
  if (available === 0 || !Number.isInteger(available)) {
    throw new RangeError(
      `there are ${images.length.toLocaleString('en')} bytes; expected ${PIXEL_BYTES.toLocaleString('en')} for each image, ` +
        'and at least one image',
    );
  }
  const { columns = 20, count = available, scale = 2, gap = 4 } = options;
  for (const [name, value] of Object.entries({ columns, count, scale })) checkWhole(name, value, 1);
  checkWhole('gap', gap, 0);
  if (count > available) throw new RangeError(`count is ${count}, but there are only ${available} images`);
  if (count > MAX_IMAGES) {
    throw new RangeError(
      `a picture of ${count.toLocaleString('en')} images is too large; expected at most ${MAX_IMAGES.toLocaleString('en')}: ` +
        'say how many by count, or choose some with takeImages',
    );
  }
  const rows = Math.ceil(count / columns);
  const cell = SIDE * scale + gap;
  const width = Math.min(columns, count) * cell - gap;
  const height = rows * cell - gap;
  if (width * height > MAX_PIXELS) {
    throw new RangeError(
      `a picture of ${width.toLocaleString('en')} × ${height.toLocaleString('en')} pixels is too large; expected at most ` +
        `${MAX_PIXELS.toLocaleString('en')} in all: choose a smaller scale or gap, or fewer images by count`,
    );
  }
  const picture = new PNG({ width, height }); // all bytes 0: transparent
  for (let index = 0; index < count; index++) {
    const left = (index % columns) * cell;
    const top = Math.floor(index / columns) * cell;
    for (let y = 0; y < SIDE * scale; y++) {
      for (let x = 0; x < SIDE * scale; x++) {
        const from = index * PIXEL_BYTES + (Math.floor(y / scale) * SIDE + Math.floor(x / scale)) * 3;
        const to = ((top + y) * width + left + x) * 4;
        for (let channel = 0; channel < 3; channel++) picture.data[to + channel] = images[from + channel];
        picture.data[to + 3] = 255;
      }
    }
  }
  return encodePicture(picture);
}

/** @throws RangeError when the value is not a whole number, or lower than `from` */
export function checkWhole(name: string, value: number, from: number): void {
  if (!Number.isInteger(value) || value < from)
    throw new RangeError(`${name} is ${value}; it must be a whole number from ${from}`);
}
