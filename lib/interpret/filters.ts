import * as tf from '@tensorflow/tfjs-node';
import { PNG } from 'pngjs';
import { encodePicture, type Picture } from '../charts/picture';
import type { Figure } from '../charts/theme';
import { pictureTiles } from '../charts/tiles';
import { layersOf } from '../models/define';
import { checkNumbers } from './checks';

/**
 * The filters of the first convolution as pictures: what each of them looks for. A filter weighs red, green and blue of a
 * small square of the image, so it can be shown as such a square. A weight of 0 becomes a middle grey; the filter's largest
 * weight, positive or negative, becomes 255 or 0, and all others lie in between. So each filter has a scale of its own, the
 * same for its three colours: brightness can't be compared from filter to filter (the pointer over one tells its scale).
 * @throws RangeError when the model's first layer with weights is no convolution over colours, or its training has diverged
 */
export function firstFilters(model: tf.LayersModel): Figure {
  const filters = filterPictures(model);
  const captions = filters.map(({ picture }, index) => ({ picture, caption: String(index) }));
  const hovers = filters.map(
    ({ largest }, index) => `<b>filter ${index}</b><br>weights up to ±${largest.toPrecision(2)}`,
  );
  return pictureTiles(captions, { columns: filters.length > 32 ? 16 : 8, hovers });
}

const SIDE = 144; // px of a picture

/** Each filter as a picture, and its largest weight's size. */
export function filterPictures(model: tf.LayersModel): { picture: Picture; largest: number }[] {
  const first = layersOf(model).find((layer) => layer.weights.length > 0);
  const shape = first?.getWeights()[0].shape ?? [];
  if (shape.length !== 4 || shape[2] !== 3) {
    throw new RangeError(
      `firstFilters: ${model.name} begins with ${first ? `the layer ${first.name}, of weights [${shape.join(', ')}]` : 'no weights'}; ` +
        'expected a convolution over red, green and blue, [height, width, 3, filters].',
    );
  }
  const [height, width, , count] = shape;
  const weights = (first as tf.layers.Layer).getWeights()[0].dataSync<'float32'>();
  checkNumbers('firstFilters', 'weights', weights);
  return Array.from({ length: count }, (_, filter) => {
    const weight = (y: number, x: number, color: number) => weights[((y * width + x) * 3 + color) * count + filter];
    let largest = 0;
    for (let i = filter; i < weights.length; i += count) largest = Math.max(largest, Math.abs(weights[i]));
    const pixels = new PNG({ width: SIDE, height: SIDE });
    for (let i = 0; i < SIDE * SIDE; i++) {
      const y = Math.floor((Math.floor(i / SIDE) * height) / SIDE);
      const x = Math.floor(((i % SIDE) * width) / SIDE);
      for (let color = 0; color < 3; color++) {
        pixels.data[4 * i + color] = Math.round(127.5 + 127.5 * (largest > 0 ? weight(y, x, color) / largest : 0));
      }
      pixels.data[4 * i + 3] = 255;
    }
    return { picture: encodePicture(pixels), largest };
  });
}
