import type * as tf from '@tensorflow/tfjs-node';
import { type Rules, readOptions, sizes, wholeNumber } from '../util/options';
import { buildModel, flatten, linearLayer, relu } from './build';

export interface LinearOptions {
  /** Units of the two hidden layers. */
  readonly widths: readonly [number, number];
  /** Decides the initial weights. */
  readonly seed: number;
}

const rules: Rules<LinearOptions> = { widths: sizes([512, 512]), seed: wholeNumber(0) };

/**
 * Three linear layers with ReLU between them. It sees an image as 3,072 numbers in a row and knows nothing of neighbours.
 * @throws when an option is unknown or impossible
 */
export function linear(options: Partial<LinearOptions> = {}): tf.Sequential {
  const { widths, seed } = readOptions('linear', rules, options);
  return buildModel('linear', seed, [
    [flatten()], //                           [N, 3072]
    [linearLayer(widths[0]), relu()], //      [N, 512]
    [linearLayer(widths[1]), relu()], //      [N, 512]
    [linearLayer(10)], //                     [N, 10] logits
  ]);
}
