import { PNG } from 'pngjs';
import { Figure, layout } from './theme';

/** A picture, ready to be shown or written to a file. */
export interface Picture {
  readonly png: Uint8Array;
  /** px */
  readonly width: number;
  /** px */
  readonly height: number;
}

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
const BYTES = SIDE * SIDE * 3;

/**
 * Images as one picture, row after row.
 * @throws RangeError on options that make no picture
 */
export function imageGrid({ images }: Images, options: GridOptions = {}): Picture {
  const available = images.length / BYTES;
  const { columns = 20, count = available, scale = 2, gap = 4 } = options;
  for (const [name, value] of Object.entries({ columns, count, scale })) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`${name} is ${value}; it must be a whole number from 1`);
  }
  if (count > available) throw new RangeError(`count is ${count}, but there are only ${available} images`);
  const rows = Math.ceil(count / columns);
  const cell = SIDE * scale + gap;
  const width = Math.min(columns, count) * cell - gap;
  const height = rows * cell - gap;
  const picture = new PNG({ width, height }); // all bytes 0: transparent
  for (let index = 0; index < count; index++) {
    const left = (index % columns) * cell;
    const top = Math.floor(index / columns) * cell;
    for (let y = 0; y < SIDE * scale; y++) {
      for (let x = 0; x < SIDE * scale; x++) {
        const from = index * BYTES + (Math.floor(y / scale) * SIDE + Math.floor(x / scale)) * 3;
        const to = ((top + y) * width + left + x) * 4;
        for (let channel = 0; channel < 3; channel++) picture.data[to + channel] = images[from + channel];
        picture.data[to + 3] = 255;
      }
    }
  }
  return { png: Uint8Array.from(PNG.sync.write(picture, { deflateLevel: 9, filterType: 4 })), width, height };
}

/**
 * Images with text under each, as a figure.
 * @param captions one for each image, in order; `<br>` begins a new line
 */
export function captionedImages(
  { images }: Images,
  captions: readonly string[],
  { columns = 8, scale = 3 }: { columns?: number; scale?: number } = {},
): Figure {
  const available = images.length / BYTES;
  if (captions.length > available) {
    throw new RangeError(`there are ${captions.length} captions, but only ${available} images`);
  }
  const lines = Math.max(...captions.map((caption) => caption.split('<br>').length));
  const side = Math.min(140, 840 / columns); // px; the rest of a row is for the caption
  const rowHeight = side + 22 + 17 * lines;
  const rows = Math.ceil(captions.length / columns);
  const place = (index: number) => ({ x: index % columns, y: Math.floor(index / columns) });
  const pictures = captions.map((_, index) => {
    const { png } = imageGrid({ images: images.subarray(index * BYTES, (index + 1) * BYTES) }, { scale });
    const source = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
    const size = { sizex: 0.92, sizey: side / rowHeight, xanchor: 'center', yanchor: 'top' };
    return { source, xref: 'x', yref: 'y', ...place(index), ...size };
  });
  const texts = captions.map((text, index) => {
    const { x, y } = place(index);
    return { text, x, y: y + side / rowHeight, yanchor: 'top', showarrow: false, font: { size: 13 } };
  });
  const hidden = { visible: false, fixedrange: true };
  return {
    data: [{ type: 'scatter', x: [], y: [] }],
    layout: layout({
      height: rows * rowHeight + 10,
      margin: { l: 5, r: 5, t: 5, b: 5 },
      images: pictures,
      annotations: texts,
      xaxis: { ...hidden, range: [-0.5, columns - 0.5] },
      yaxis: { ...hidden, range: [rows, 0] },
      showlegend: false,
      hovermode: false,
    }),
  };
}
