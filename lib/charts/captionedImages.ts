import { PIXEL_BYTES } from '../data/files';
import { checkWhole, imageGrid, type Images } from './imageGrid';
import type { Figure } from './theme';
import { pictureTiles } from './tiles';

const MAX_CAPTIONED = 400; // each is a picture of its own

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
