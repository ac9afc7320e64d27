import { PNG } from 'pngjs';
import type { Split } from '../data/cifar10';
import type { Png } from './events';

const SIDE = 32;

/** Images beside each other, in rows of eight, enlarged. */
export function pictureStrip(
  { images, size }: Pick<Split, 'images' | 'size'>,
  { columns = 8, scale = 3, gap = 6 }: { columns?: number; scale?: number; gap?: number } = {},
): Png {
  const cell = SIDE * scale + gap;
  const width = Math.min(columns, size) * cell - gap;
  const height = Math.ceil(size / columns) * cell - gap;
  const picture = new PNG({ width, height }); // all bytes 0: transparent
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = [Math.floor(x / cell), Math.floor(y / cell)];
      const [left, top] = [Math.floor((x % cell) / scale), Math.floor((y % cell) / scale)];
      const index = row * columns + column;
      if (left >= SIDE || top >= SIDE || index >= size) continue;
      const from = ((index * SIDE + top) * SIDE + left) * 3;
      const to = (y * width + x) * 4;
      picture.data.set([...images.subarray(from, from + 3), 255], to);
    }
  }
  return { png: PNG.sync.write(picture), width, height };
}
