import type * as tf from '@tensorflow/tfjs-node';
import { rates, readOptions, type Rules, sizes, trueOrFalse, wholeNumber } from '../util/options';
import { batchNorm, buildModel, conv, dropout, flatten, linearLayer, maxPool, relu } from './build';

export interface DeepCnnOptions {
  /** Channels of the six convolutions. */
  readonly widths: readonly [number, number, number, number, number, number];
  /** Shares of the channels that each of the three blocks drops while training, 0 to below 1. */
  readonly dropout: readonly [number, number, number];
  /** Whether each convolution is followed by a batch norm. */
  readonly batchNorm: boolean;
  /** Decides the initial weights. */
  readonly seed: number;
}

const rules: Rules<DeepCnnOptions> = {
  widths: sizes([32, 64, 128, 128, 256, 256]),
  dropout: rates([0.2, 0.3, 0.4]),
  batchNorm: trueOrFalse(true),
  seed: wholeNumber(0),
};

/**
 * Six convolutions in three blocks, each regularised by batch norm (after the ReLU) and channel dropout; three linear
 * layers.
 * @throws when an option is unknown or impossible
 */
export function deepCnn(options: Partial<DeepCnnOptions> = {}): tf.Sequential {
  const { widths, dropout: dropRates, batchNorm: norm, seed } = readOptions('deepCnn', rules, options);
  return buildModel('deepCnn', seed, [
    [conv(widths[0]), relu(), batchNorm(norm)], //       [N, 32, 32, 32]
    [conv(widths[1]), relu(), batchNorm(norm)], //       [N, 32, 32, 64]
    [maxPool(), dropout(dropRates[0])], //                   [N, 16, 16, 64]

    [conv(widths[2]), relu(), batchNorm(norm)], //       [N, 16, 16, 128]
    [conv(widths[3]), relu(), batchNorm(norm)], //       [N, 16, 16, 128]
    [maxPool(), dropout(dropRates[1])], //                   [N, 8, 8, 128]

    [conv(widths[4]), relu(), batchNorm(norm)], //       [N, 8, 8, 256]
    [conv(widths[5]), relu(), batchNorm(norm)], //       [N, 8, 8, 256]
    [maxPool(), dropout(dropRates[2])], //                   [N, 4, 4, 256]

    [flatten()], //                                      [N, 4096]
    [linearLayer(1024), relu()], //                      [N, 1024]
    [linearLayer(512), relu()], //                       [N, 512]
    [linearLayer(10)], //                                [N, 10] logits
  ]);
}
