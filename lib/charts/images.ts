import { PNG } from 'pngjs';
import { PIXEL_BYTES } from '../data/files';
import { encodePicture, type Picture } from './picture';
import { Figure } from './theme';
import { pictureTiles } from './tiles';

/** Images of 32 × 32 pixels, rows of interleaved red, green, blue: 3,072 bytes each. */
export interface Images {
  readonly images: Uint8Array;
}

export interface GridOptions {
  /** Images in a row. */
  columns?: number;
  /** How many images; default: all. */
  count?: number;
  /** Each pixel becomes a square of scale × scale, with hard edges: nothing is smoothed. */
  scale?: number;
  /** Transparent space between images, in px. */
  gap?: number;
}

const SIDE = 32;
// More make a notebook that hardly opens.
const MAX_IMAGES = 2500;
const MAX_PIXELS = 16e6;
const MAX_CAPTIONED = 400; // each is a picture of its own

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

function checkWhole(name: string, value: number, from: number): void {
  if (!Number.isInteger(value) || value < from)
    throw new RangeError(`${name} is ${value}; it must be a whole number from ${from}`);
}

export interface CaptionOptions {
  /** Images in a row. Default: 8. */
  readonly columns?: number;
  /** Each pixel becomes a square of scale × scale. Default: 3. */
  readonly scale?: number;
  /** Shown when the pointer is over an image, one for each; `<br>` begins a new line. Default: nothing. */
  readonly hovers?: readonly string[];
}

/**
 * Images with text under each, as a figure.
 * @param captions one for each image, in order; `<br>` begins a new line, and so does what would reach into the next caption
 * @throws RangeError when there are more captions than images, more than 400, not as many hovers as captions, or no column
 */
export function captionedImages(
  { images }: Images,
  captions: readonly string[],
  { columns = 8, scale = 3, hovers }: CaptionOptions = {},
): Figure {
  checkWhole('columns', columns, 1);
  const available = images.length / PIXEL_BYTES;
  if (captions.length > available) {
    throw new RangeError(`there are ${captions.length} captions, but only ${available} images`);
  }
  if (captions.length > MAX_CAPTIONED) {
    throw new RangeError(
      `a figure of ${captions.length.toLocaleString('en')} images with captions is too large; expected at most ` +
        `${MAX_CAPTIONED}: say how many by count, or give fewer captions`,
    );
  }
  const pictures = captions.map((caption, index) => ({
    picture: imageGrid({ images: images.subarray(index * PIXEL_BYTES, (index + 1) * PIXEL_BYTES) }, { scale }),
    caption,
  }));
  return pictureTiles(pictures, { columns, hovers });
}
