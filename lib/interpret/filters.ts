import * as tf from '@tensorflow/tfjs-node';
import type { Filters } from '../charts/maps';
import { checkNumbers } from './checks';

/**
 * The filters of the first convolution: each weighs the channels of a small square of the image, so it can be shown as such
 * a square. `filterGrid` draws them.
 * @throws RangeError when the first layer with weights is not a convolution over 1 or 3 channels, or training has diverged
 */
export function filters(model: tf.LayersModel): Filters {
  const first = model.layers.find((layer) => layer.weights.length > 0);
  const kernel = first?.getWeights()[0];
  const shape = kernel?.shape ?? [];
  if (!first || !kernel || shape.length !== 4 || ![1, 3].includes(shape[2])) {
    throw new RangeError(
      `filters: ${model.name} begins with ${first ? `the layer ${first.name}, of weights [${shape.join(', ')}]` : 'no weights'}; ` +
        'expected a convolution over the colors of an image, [height, width, 1 or 3, filters].',
    );
  }
  const weights = tf.tidy(() => tf.transpose(kernel, [3, 0, 1, 2]).dataSync<'float32'>());
  checkNumbers('filters', 'weights', weights);
  return { layer: first.name, weights, shape: [shape[0], shape[1], shape[2]] };
}
