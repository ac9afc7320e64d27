import type * as tf from '@tensorflow/tfjs-node';
import { type Rules, readOptions, sizes, wholeNumber } from '../util/options';
import { buildModel, conv, flatten, linearLayer, maxPool, relu } from './build';

export interface ShallowCnnOptions {
  /** Channels of the three convolutions. */
  readonly widths: readonly [number, number, number];
  /** Decides the initial weights. */
  readonly seed: number;
}

const rules: Rules<ShallowCnnOptions> = { widths: sizes([32, 64, 128]), seed: wholeNumber(0) };

/**
 * Three convolutions and one linear layer, without any regulariser.
 * @throws when an option is unknown or impossible
 */
export function shallowCnn(options: Partial<ShallowCnnOptions> = {}): tf.Sequential {
  const { widths, seed } = readOptions('shallowCnn', rules, options);
  return buildModel('shallowCnn', seed, [
    [conv(widths[0]), relu()], //       [N, 32, 32, 32]
    [conv(widths[1]), relu()], //       [N, 32, 32, 64]
    [conv(widths[2]), relu()], //       [N, 32, 32, 128]
    [maxPool()], //                     [N, 16, 16, 128]
    [flatten()], //                     [N, 32768]
    [linearLayer(10)], //               [N, 10] logits
  ]);
}
