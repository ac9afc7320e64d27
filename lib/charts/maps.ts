// What happens inside a network, as pictures: activations, filters, and where it looked.
import { PNG } from 'pngjs';
import {
  captionedPictures,
  captionedImages,
  dataUri,
  encodePicture,
  type Images,
  imageGrid,
  type Picture,
  upscale,
} from './images';
import { axis, type Figure, hiddenAxis, layout, note } from './theme';
import { percent } from '../util/format';

/** What a layer makes of an image: some of its channels as maps. `activations` gives it. */
export interface FeatureMaps {
  readonly layer: string;
  /** [count, height, width], one map after the other. */
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
  /** The channel of each map, written above it. */
  readonly channels: readonly number[];
  /** Channels of the layer. */
  readonly total: number;
  /** The image that they belong to; it is shown beside them. */
  readonly image: Images;
  /** Names the image. */
  readonly name: string;
}

const COLUMNS = 8;
const IMAGE_ROWS = 2; // of maps; the image is as high

/**
 * Maps of numbers as small pictures in rows of eight, on one color scale, which ends at the 99.5th percentile so that a few
 * extreme values do not leave all others dark (and, where there are values below 0, begins at the 0.5th); left of them the
 * image that they were made from.
 * @param maps what `activations` returns
 */
export function mapGrid({ layer, values, height, width, channels, total, image, name }: FeatureMaps): Figure {
  const count = channels.length;
  const rows = Math.ceil(count / COLUMNS);
  const shownRows = Math.max(rows, IMAGE_ROWS);
  // One cell a value, at the same distance in both directions. Gaps are cells, too, without a value; above is the number.
  const [stepX, stepY] = [width + Math.ceil(0.08 * width), height + Math.ceil(0.3 * height)];
  const z = Array.from({ length: rows * stepY }, () => new Array<number | null>(COLUMNS * stepX).fill(null));
  const left = (map: number) => (map % COLUMNS) * stepX;
  const top = (map: number) => Math.floor(map / COLUMNS) * stepY + (stepY - height);
  values.forEach((value, i) => {
    const [map, place] = [Math.floor(i / (height * width)), i % (height * width)];
    z[top(map) + Math.floor(place / width)][left(map) + (place % width)] = Number(value.toPrecision(3));
  });
  const size = IMAGE_ROWS * stepY - (stepY - height); // of the image
  const source = dataUri(imageGrid(image, { count: 1, scale: Math.max(1, Math.round(192 / image.imageShape[0])) }));
  const [zmin, zmax] = colorLimits(values);
  const shown = count < total ? `the ${count} strongest of ${total} maps` : `${total} maps`;
  return {
    data: [
      {
        type: 'heatmap',
        name: layer,
        z,
        zmin,
        zmax,
        colorscale: 'Cividis',
        hoverongaps: false,
        hovertemplate: 'activation %{z}<extra></extra>',
        colorbar: { title: { text: 'activation', side: 'right' }, thickness: 16, outlinewidth: 0 },
      },
    ],
    layout: layout({
      height: 60 + shownRows * 104,
      title: `${layer}, ${shown} of ${height} × ${width}: ${name}`,
      margin: { l: 5, r: 5, t: 40, b: 10 },
      hovermode: 'closest',
      images: [
        {
          ...{ source, xref: 'x', yref: 'y', sizex: size, sizey: size },
          ...{ x: -size - 0.5 - width / 2, y: stepY - height - 0.5 },
        },
      ],
      annotations: channels.map((channel, map) =>
        note(String(channel), left(map) + width / 2 - 0.5, top(map) - 0.5, { yanchor: 'bottom', font: { size: 14 } }),
      ),
      xaxis: axis('', { ...hiddenAxis, range: [-size - width / 2 - 1, COLUMNS * stepX], constrain: 'domain' }),
      yaxis: axis('', { ...hiddenAxis, range: [shownRows * stepY, -0.5], scaleanchor: 'x', constrain: 'domain' }),
    }),
  };
}

function colorLimits(values: Float32Array): [number, number] {
  const sorted = Float32Array.from(values).sort();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [smallest, largest] = [at(0), at(1)];
  const [low, high] = [smallest < 0 ? at(0.005) : smallest, at(0.995)];
  if (high > low) return [low, high];
  // Nearly all values are equal: the few others are what there is to see.
  return largest > smallest ? [smallest, largest] : [smallest, smallest + 1];
}

/** The filters of a convolution over an image; `filters` gives them. */
export interface Filters {
  readonly layer: string;
  /** [count, height, width, channels], one filter after the other. */
  readonly weights: Float32Array;
  /** Of a filter; 1 or 3 channels. */
  readonly shape: readonly [height: number, width: number, channels: number];
}

/**
 * Filters as pictures: what each of them looks for. A weight of 0 becomes middle gray; the filter's largest weight, positive
 * or negative, becomes 255 or 0, and all others lie in between. So each filter has a scale of its own, the same for all its
 * colors: brightness can't be compared from filter to filter (the pointer over one tells its scale).
 */
export function filterGrid({ weights, shape }: Filters): Figure {
  const size = shape.reduce((a, b) => a * b, 1);
  const largest = Array.from({ length: weights.length / size }, (_, filter) =>
    weights.subarray(filter * size, (filter + 1) * size).reduce((most, weight) => Math.max(most, Math.abs(weight)), 0),
  );
  const images = Uint8Array.from(weights, (weight, i) =>
    Math.round(127.5 + 127.5 * (weight / (largest[Math.floor(i / size)] || 1))),
  );
  return captionedImages(
    { images, imageShape: shape },
    largest.map((_, filter) => String(filter)),
    {
      columns: largest.length > 32 ? 16 : 8,
      scale: Math.max(1, Math.round(144 / shape[0])),
      hovers: largest.map((weight, filter) => `<b>filter ${filter}</b><br>weights up to ±${weight.toPrecision(2)}`),
    },
  );
}

/** One image, and where a network found what speaks for a class. `gradCam` gives it. */
export interface HeatMap {
  readonly image: Images;
  /** Names the image. */
  readonly name: string;
  /** Its class. */
  readonly label: string;
  /** The class explained, and the probability that the model gives it. */
  readonly className: string;
  readonly probability: number;
  readonly layer: string;
  /** [height, width], ≥ 0: the layer's maps, each weighted by the mean gradient of the class's logit, summed up. */
  readonly heat: Float32Array;
  readonly height: number;
  readonly width: number;
}

/**
 * Images above, and below each the same with its heat map over it, bright where the heat is. Each heat map has a scale of its
 * own; where there is no heat it is dark all over.
 * @param maps what `gradCam` returns
 */
export function heatOverlay(maps: readonly HeatMap[]): Figure {
  const scale = ({ image }: HeatMap) => Math.max(1, Math.round(SIDE / image.imageShape[0]));
  const originals = maps.map((map) => ({
    picture: imageGrid(map.image, { count: 1, scale: scale(map) }),
    caption: `${map.name}<br>is ${map.label}`,
    hover: `${map.name}: ${map.label}`,
  }));
  const overlays = maps.map((map) => ({
    picture: overlay(map),
    caption: `${map.className} ${percent(map.probability)}`,
    hover: `what speaks for <b>${map.className}</b> in ${map.layer}<br>(${percent(map.probability)})`,
  }));
  return captionedPictures([...originals, ...overlays], maps.length);
}

/** matplotlib's inferno, dark to bright, so that it is read without colors, too. */
const INFERNO = [
  ...[
    [0, 0, 4],
    [40, 11, 84],
    [101, 21, 110],
    [159, 42, 99],
  ],
  ...[
    [212, 72, 66],
    [245, 125, 21],
    [250, 193, 39],
    [252, 255, 164],
  ],
];
const OPACITY = 0.6; // of the heat over the image
const SIDE = 128; // px, the height of an overlay

function overlay({ image, heat, height, width }: HeatMap): Picture {
  const pixels = new PNG({ width: Math.round((SIDE * image.imageShape[1]) / image.imageShape[0]), height: SIDE });
  upscale(image, 0, pixels);
  const smooth = Array.from({ length: pixels.width * SIDE }, (_, i) => {
    const [x, y] = [(i % pixels.width) + 0.5, Math.floor(i / pixels.width) + 0.5];
    return bilinear(heat, height, width, (y * height) / SIDE - 0.5, (x * width) / pixels.width - 0.5);
  });
  const hottest = smooth.reduce((a, b) => Math.max(a, b), 1e-12);
  smooth.forEach((value, i) => {
    const color = interpolate(INFERNO, value / hottest);
    for (let channel = 0; channel < 3; channel++) {
      const below = pixels.data[4 * i + channel];
      pixels.data[4 * i + channel] = Math.round((1 - OPACITY) * below + OPACITY * color[channel]);
    }
  });
  return encodePicture(pixels);
}

/** The value at a place between the centers of four cells. */
function bilinear(values: Float32Array, height: number, width: number, y: number, x: number): number {
  const inside = (place: number, size: number) => Math.min(size - 1, Math.max(0, place));
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const at = (row: number, column: number) => values[inside(row, height) * width + inside(column, width)];
  const mix = (a: number, b: number, part: number) => a + part * (b - a);
  const row = (place: number) => mix(at(place, left), at(place, left + 1), x - left);
  return mix(row(top), row(top + 1), y - top);
}

/** A color at a place from 0 to 1 between the first and the last. */
function interpolate(scale: readonly number[][], place: number): number[] {
  const index = Math.min(scale.length - 2, Math.floor(place * (scale.length - 1)));
  const part = place * (scale.length - 1) - index;
  return scale[index].map((from, channel) => from + part * (scale[index + 1][channel] - from));
}
