// Images as pictures: PNG files, and figures that hold them.
import { PNG } from 'pngjs';
import { axis, type Figure, hiddenAxis, layout, note } from './theme';
import { count } from '../util/format';
import { checkInteger } from '../util/options';

/** Bytes of images of one size, [N, height, width, channels]: 1 channel (gray), 3 (RGB) or 4 (RGBA). */
export interface Images {
  readonly images: Uint8Array;
  readonly imageShape: readonly [height: number, width: number, channels: number];
}

/** A picture, ready to be shown or written to a file. */
export interface Picture {
  readonly png: Uint8Array;
  /** px */
  readonly width: number;
  /** px */
  readonly height: number;
}

/** A picture as the address of an image in a page. */
export const dataUri = ({ png }: Picture): string => `data:image/png;base64,${Buffer.from(png).toString('base64')}`;

/** @param channels 1: a gray picture is smaller than one of colors */
export const encodePicture = (pixels: PNG, channels = 3): Picture => ({
  png: Uint8Array.from(PNG.sync.write(pixels, { deflateLevel: 9, filterType: 4, colorType: channels === 1 ? 4 : 6 })),
  width: pixels.width,
  height: pixels.height,
});

/** @throws RangeError when there are no images, or a part of one */
export function imageCount({ images, imageShape }: Images): number {
  const bytes = imageShape.reduce((a, b) => a * b, 1);
  const available = images.length / bytes;
  if (![1, 3, 4].includes(imageShape[2])) {
    throw new RangeError(`images of ${imageShape.join(' × ')} can't be drawn; expected 1, 3 or 4 channels`);
  }
  if (available > 0 && Number.isInteger(available)) return available;
  throw new RangeError(
    `there are ${count(images.length)} bytes; expected ${count(bytes)} for each image of ${imageShape.join(' × ')}, ` +
      'and at least one image',
  );
}

/** Draws an image into a part of a picture, by nearest neighbor: each pixel becomes a block with hard edges. */
export function upscale(
  { images, imageShape: [height, width, channels] }: Images,
  index: number,
  to: PNG,
  part = { left: 0, top: 0, width: to.width, height: to.height },
): void {
  for (let y = 0; y < part.height; y++) {
    for (let x = 0; x < part.width; x++) {
      const row = index * height + Math.floor((y * height) / part.height);
      const from = (row * width + Math.floor((x * width) / part.width)) * channels;
      const at = ((part.top + y) * to.width + part.left + x) * 4;
      for (let color = 0; color < 3; color++) to.data[at + color] = images[from + (channels === 1 ? 0 : color)];
      to.data[at + 3] = channels === 4 ? images[from + 3] : 255;
    }
  }
}

export interface GridOptions {
  /** Images in a row. Default: 20. */
  readonly columns?: number;
  /** How many images. Default: all. */
  readonly count?: number;
  /** Each pixel becomes a square of scale × scale, with hard edges. Default: images about 64 px high. */
  readonly scale?: number;
  /** Transparent space between images, in px. Default: 4. */
  readonly gap?: number;
}

const MAX_PIXELS = 16e6; // more make a notebook that hardly opens

/** The scale at which images are about `side` px high. */
const scaleTo = (side: number, { imageShape: [height] }: Images) => Math.max(1, Math.round(side / height));

/**
 * Images as one picture, row after row; with `rowNames` as a figure, a name beside each row.
 * @throws RangeError on bytes that are no images, and options that make no picture
 */
export function imageGrid(images: Images, options: GridOptions & { readonly rowNames: readonly string[] }): Figure;
export function imageGrid(images: Images, options?: GridOptions): Picture;
export function imageGrid(
  images: Images,
  { rowNames, ...options }: GridOptions & { readonly rowNames?: readonly string[] } = {},
): Picture | Figure {
  const available = imageCount(images);
  const { columns = 20, count: shown = available, scale = scaleTo(64, images), gap = 4 } = options;
  for (const [name, value] of Object.entries({ columns, count: shown, scale })) checkInteger(name, value, 1);
  checkInteger('gap', gap, 0);
  if (shown > available) throw new RangeError(`count is ${shown}, but there are only ${available} images`);
  const cell = { width: images.imageShape[1] * scale, height: images.imageShape[0] * scale };
  const rows = Math.ceil(shown / columns);
  const width = Math.min(columns, shown) * (cell.width + gap) - gap;
  const height = rows * (cell.height + gap) - gap;
  if (width * height > MAX_PIXELS) {
    throw new RangeError(
      `a picture of ${count(width)} × ${count(height)} pixels is too large; expected at most ${count(MAX_PIXELS)} in all: ` +
        'choose a smaller scale or gap, or fewer images by count',
    );
  }
  const pixels = new PNG({ width, height }); // all bytes 0: transparent
  for (let index = 0; index < shown; index++) {
    const left = (index % columns) * (cell.width + gap);
    upscale(images, index, pixels, { left, top: Math.floor(index / columns) * (cell.height + gap), ...cell });
  }
  const picture = encodePicture(pixels, images.imageShape[2]);
  if (!rowNames) return picture;
  if (rowNames.length !== rows) throw new RangeError(`there are ${rowNames.length} rowNames for ${rows} rows`);
  const middles = rowNames.map((_, row) => row * (cell.height + gap) + cell.height / 2);
  return {
    data: [{ type: 'scatter', x: [], y: [] }],
    layout: layout({
      height: height + 10,
      margin: { l: 5, r: 5, t: 5, b: 5 },
      images: [{ source: dataUri(picture), xref: 'x', yref: 'y', x: 0, y: 0, sizex: width, sizey: height }],
      xaxis: { ...hiddenAxis, range: [0, width], constrain: 'domain', constraintoward: 'left' },
      yaxis: axis('', {
        ...{ fixedrange: true, showgrid: false, range: [height, 0], scaleanchor: 'x' },
        ...{ tickvals: middles, ticktext: rowNames },
      }),
      showlegend: false,
      hovermode: false,
    }),
  };
}

export interface CaptionOptions {
  /** Images in a row. Default: 8. */
  readonly columns?: number;
  /** Each pixel becomes a square of scale × scale. Default: images about 96 px high. */
  readonly scale?: number;
  /** Shown when the pointer is over an image, one for each; `<br>` begins a new line. Default: nothing. */
  readonly hovers?: readonly string[];
}

const MAX_CAPTIONED = 400; // each is a picture of its own

/**
 * Images with text under each, as a figure.
 * @param captions one for each image, in order; `<br>` begins a new line, and so does what would reach into the next caption
 * @throws RangeError when there are more captions than images, more than 400, or not as many hovers as captions
 */
export function captionedImages(
  images: Images,
  captions: readonly string[],
  { columns = 8, scale = scaleTo(96, images), hovers }: CaptionOptions = {},
): Figure {
  checkInteger('columns', columns, 1);
  checkInteger('scale', scale, 1);
  const available = imageCount(images);
  if (captions.length > available) {
    throw new RangeError(`there are ${captions.length} captions, but only ${available} images`);
  }
  if (captions.length > MAX_CAPTIONED) {
    throw new RangeError(
      `a figure of ${count(captions.length)} images with captions is too large; expected at most ${MAX_CAPTIONED}: say how ` +
        'many by count, or give fewer captions',
    );
  }
  if (hovers && hovers.length !== captions.length) {
    throw new RangeError(`there are ${hovers.length} hovers for ${captions.length} pictures; expected one for each`);
  }
  const [height, width, channels] = images.imageShape;
  const pictures = captions.map((caption, index) => {
    const pixels = new PNG({ width: width * scale, height: height * scale });
    upscale(images, index, pixels);
    return { picture: encodePicture(pixels, channels), caption, hover: hovers?.[index] };
  });
  return captionedPictures(pictures, columns);
}

const FEWEST = 5; // columns: fewer pictures stand together in the middle
const NARROW = 880; // px: the narrowest figure in which captions must not touch
const LETTER = 7.4; // px, the mean width of one at the captions' size
const LINE = 17; // px

interface Captioned {
  readonly picture: Picture;
  readonly caption: string;
  readonly hover?: string;
}

/** Pictures in rows, with a text under each. */
export function captionedPictures(pictures: readonly Captioned[], columns: number): Figure {
  const places = Math.max(columns, FEWEST);
  const wrapped = pictures.map(({ caption }) => wrap(caption, Math.floor(NARROW / places / LETTER)));
  const lines = Math.max(0, ...wrapped.map((caption) => caption.split('<br>').length));
  const side = Math.min(140, 840 / places); // px; the rest of a row is for the caption
  const rowHeight = side + 22 + LINE * lines;
  const rows = Math.ceil(pictures.length / columns);
  const x = pictures.map((_, index) => index % columns);
  const y = pictures.map((_, index) => Math.floor(index / columns));
  const images = pictures.map(({ picture }, index) => ({
    ...{ source: dataUri(picture), xref: 'x', yref: 'y', xanchor: 'center', yanchor: 'top' },
    ...{ x: x[index], y: y[index], sizex: 0.92, sizey: side / rowHeight },
  }));
  const annotations = wrapped.map((text, index) =>
    note(text, x[index], y[index] + side / rowHeight, { yanchor: 'top', font: { size: 13 } }),
  );
  // Pictures don't react to the pointer: invisible points in their middles do.
  const hasHovers = pictures.some(({ hover }) => hover !== undefined);
  const points = hasHovers && {
    x,
    y: y.map((row) => row + side / rowHeight / 2),
    mode: 'markers',
    marker: { size: side, symbol: 'square', opacity: 0, color: '#888888' },
    text: pictures.map(({ hover }) => hover),
    hovertemplate: '%{text}<extra></extra>',
    hoverlabel: { align: 'left' },
  };
  return {
    data: [{ type: 'scatter', ...(points || { x: [], y: [] }) }],
    layout: layout({
      height: rows * rowHeight + 10,
      margin: { l: 5, r: 5, t: 5, b: 5 },
      images,
      annotations,
      xaxis: { ...hiddenAxis, range: [(columns - places - 1) / 2, (columns + places - 1) / 2] },
      yaxis: { ...hiddenAxis, range: [rows, 0] },
      showlegend: false,
      hovermode: hasHovers ? 'closest' : false,
    }),
  };
}

/** Breaks lines of more than `limit` letters between words. */
function wrap(caption: string, limit: number): string {
  const wrapLine = (line: string) =>
    // A number stays with its unit.
    line
      .replace(/ %/g, '\u00a0%')
      .split(' ')
      .reduce((text, word) => {
        const last = text.slice(text.lastIndexOf('\n') + 1);
        return last && last.length + 1 + word.length > limit ? `${text}\n${word}` : text ? `${text} ${word}` : word;
      }, '')
      .replaceAll('\n', '<br>');
  return caption.split('<br>').map(wrapLine).join('<br>');
}
