import { imageGrid } from './imageGrid';
import { dataUri } from './picture';
import { axis, type Figure, layout } from './theme';

export interface FeatureMaps {
  /** [count, height, width], one map after the other. */
  readonly values: Float32Array;
  readonly count: number;
  /** px */
  readonly height: number;
  /** px */
  readonly width: number;
}

export interface MapOptions {
  /** The image of 32 × 32 that they belong to; it stands beside them. */
  readonly image: Uint8Array;
  /** Stands above. */
  readonly title: string;
  /** The number of each map, written above it. */
  readonly numbers: readonly number[];
  /** What the values are; the title of the colour scale. */
  readonly unit: string;
}

const COLUMNS = 8;
const IMAGE_ROWS = 2; // of maps; the image is as high

/**
 * Maps of numbers as small pictures in rows of eight, on one colour scale, which ends at the 99.5th percentile so that a few
 * extreme values do not leave all others dark (and, where there are values below 0, begins at the 0.5th); left of them the
 * image that they were made from.
 */
export function mapGrid(
  { values, count, height, width }: FeatureMaps,
  { image, title, numbers, unit }: MapOptions,
): Figure {
  const rows = Math.ceil(count / COLUMNS);
  const shownRows = Math.max(rows, IMAGE_ROWS);
  const label = 0.3 * height; // room for the number above a map
  const gap = 0.08 * width;
  const [low, high] = limits(values);
  // One cell a value, at the same distance in both directions: gaps are cells, too, and hold nothing.
  const [stepX, stepY] = [width + Math.ceil(gap), height + Math.ceil(label)];
  const z = Array.from({ length: rows * stepY }, () => new Array<number | null>(COLUMNS * stepX).fill(null));
  const left = (map: number) => (map % COLUMNS) * stepX;
  const top = (map: number) => Math.floor(map / COLUMNS) * stepY + (stepY - height);
  for (let map = 0; map < count; map++) {
    for (let i = 0; i < height * width; i++) {
      const value = values[map * height * width + i];
      z[top(map) + Math.floor(i / width)][left(map) + (i % width)] = Number(value.toPrecision(3));
    }
  }
  const size = IMAGE_ROWS * stepY - (stepY - height); // of the image
  const { png } = imageGrid({ images: image }, { scale: 6 });
  const hidden = { visible: false, fixedrange: true };
  return {
    data: [
      {
        type: 'heatmap',
        name: title,
        z,
        zmin: low,
        zmax: high,
        colorscale: 'Cividis',
        hoverongaps: false,
        hovertemplate: `${unit} %{z}<extra></extra>`,
        colorbar: { title: { text: unit, side: 'right' }, thickness: 16, outlinewidth: 0 },
      },
    ],
    layout: layout({
      height: 60 + shownRows * 104,
      title,
      margin: { l: 5, r: 5, t: 40, b: 10 },
      hovermode: 'closest',
      images: [
        {
          source: dataUri({ png }),
          xref: 'x',
          yref: 'y',
          x: -size - 0.5 - width / 2,
          y: stepY - height - 0.5,
          sizex: size,
          sizey: size,
        },
      ],
      annotations: numbers.map((number, map) => ({
        text: String(number),
        x: left(map) + width / 2 - 0.5,
        y: top(map) - 0.5,
        yanchor: 'bottom',
        showarrow: false,
        font: { size: 14 },
      })),
      xaxis: axis('', { ...hidden, range: [-size - width / 2 - 1, COLUMNS * stepX], constrain: 'domain' }),
      yaxis: axis('', { ...hidden, range: [shownRows * stepY, -0.5], scaleanchor: 'x', constrain: 'domain' }),
    }),
  };
}

/** The ends of the colour scale. */
function limits(values: Float32Array): [number, number] {
  const sorted = Float32Array.from(values).sort();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [smallest, largest] = [at(0), at(1)];
  const [low, high] = [smallest < 0 ? at(0.005) : smallest, at(0.995)];
  if (high > low) return [low, high];
  // Nearly all values are equal: the few others are what there is to see.
  return largest > smallest ? [smallest, largest] : [smallest, smallest + 1];
}
