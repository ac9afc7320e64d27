import { PNG } from 'pngjs';
import { encodePicture, type Picture } from './picture';

/** Colours from 0 to 1: matplotlib's inferno, dark to bright, so that it is read without colours, too. */
const INFERNO = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
];

const OPACITY = 0.6; // of the heat over the image

/**
 * An image with a heat map over it, bright where there is much.
 * @param image 32 × 32 pixels of red, green and blue
 * @param heat [side, side], 0 to 1
 * @returns a picture of side × side
 */
export function heatOverlay(image: Uint8Array, heat: Float32Array): Picture {
  const side = Math.sqrt(heat.length);
  const pixels = new PNG({ width: side, height: side });
  for (let i = 0; i < heat.length; i++) {
    const y = Math.floor((Math.floor(i / side) * 32) / side);
    const x = Math.floor(((i % side) * 32) / side);
    const color = colorOf(heat[i]);
    for (let channel = 0; channel < 3; channel++) {
      const below = image[(y * 32 + x) * 3 + channel];
      pixels.data[4 * i + channel] = Math.round((1 - OPACITY) * below + OPACITY * color[channel]);
    }
    pixels.data[4 * i + 3] = 255;
  }
  return encodePicture(pixels);
}

function colorOf(value: number): number[] {
  const place = Math.min(1, Math.max(0, value)) * (INFERNO.length - 1);
  const index = Math.min(INFERNO.length - 2, Math.floor(place));
  return INFERNO[index].map((from, channel) => from + (place - index) * (INFERNO[index + 1][channel] - from));
}
