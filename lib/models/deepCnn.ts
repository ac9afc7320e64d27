import type * as tf from '@tensorflow/tfjs-node';
import { rates, readOptions, type Rules, trueOrFalse } from '../util/options';
import { defineModel, type NetworkOptions, networkRules } from './define';
import { batchNorm, conv, dropout2d, flatten, type Layers, linearLayer, maxPool, relu } from './layers';

export interface DeepCnnOptions extends NetworkOptions<readonly [number, number, number, number, number, number]> {
  /** Shares of the channels that each of the three blocks drops while training, in [0, 1). Default: [0.2, 0.3, 0.4]. */
  readonly dropout: readonly [number, number, number];
  /** Whether each convolution is followed by a batch norm. Default: true. */
  readonly batchNorm: boolean;
}

const rules: Rules<DeepCnnOptions> = {
  ...networkRules<DeepCnnOptions['widths']>([32, 64, 128, 128, 256, 256]),
  dropout: rates([0.2, 0.3, 0.4]),
  batchNorm: trueOrFalse(true),
};

/**
 * Six convolutions in three blocks, each regularized by batch norm (after the ReLU) and channel dropout; three linear
 * layers.
 * @param options.widths channels of the six convolutions. Default: [32, 64, 128, 128, 256, 256]
 * @throws RangeError when an option is unknown or impossible
 */
export function deepCnn(options: Partial<DeepCnnOptions> = {}): tf.LayersModel {
  const { widths, dropout, batchNorm: norm, classes, ...rest } = readOptions('deepCnn', rules, options);
  const convBlock = (filters: number): Layers => [conv(filters), relu(), norm ? batchNorm() : null];
  return defineModel('deepCnn', rest, [
    [convBlock(widths[0])], //                    [N, 32, 32, 32]
    [convBlock(widths[1])], //                    [N, 32, 32, 64]
    [maxPool(), dropout2d(dropout[0])], //        [N, 16, 16, 64]

    [convBlock(widths[2])], //                    [N, 16, 16, 128]
    [convBlock(widths[3])], //                    [N, 16, 16, 128]
    [maxPool(), dropout2d(dropout[1])], //        [N, 8, 8, 128]

    [convBlock(widths[4])], //                    [N, 8, 8, 256]
    [convBlock(widths[5])], //                    [N, 8, 8, 256]
    [maxPool(), dropout2d(dropout[2])], //        [N, 4, 4, 256]

    [flatten()], //                               [N, 4096]
    [linearLayer(1024), relu()], //               [N, 1024]
    [linearLayer(512), relu()], //                [N, 512]
    [linearLayer(classes)], //                    [N, 10] logits
  ]);
}
