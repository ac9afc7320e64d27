import type * as tf from '@tensorflow/tfjs-node';
import { readOptions, type Rules, sizes, wholeNumber } from '../util/options';
import { defineModel, type ModelOptions, modelRules } from './define';
import { conv, flatten, linearLayer, maxPool, relu } from './layers';

export interface ShallowCnnOptions extends ModelOptions {
  /** Channels of the three convolutions. Default: [32, 64, 128]. */
  readonly widths: readonly [number, number, number];
  /** Default: 10. */
  readonly classes: number;
}

const rules: Rules<ShallowCnnOptions> = { widths: sizes([32, 64, 128]), classes: wholeNumber(10, 1), ...modelRules };

/**
 * Three convolutions and one linear layer, without any regularizer.
 * @throws RangeError when an option is unknown or impossible
 */
export function shallowCnn(options: Partial<ShallowCnnOptions> = {}): tf.LayersModel {
  const { widths, classes, ...rest } = readOptions('shallowCnn', rules, options);
  return defineModel('shallowCnn', rest, [
    [conv(widths[0]), relu()], //       [N, 32, 32, 32]
    [conv(widths[1]), relu()], //       [N, 32, 32, 64]
    [conv(widths[2]), relu()], //       [N, 32, 32, 128]
    [maxPool()], //                     [N, 16, 16, 128]
    [flatten()], //                     [N, 32768]
    [linearLayer(classes)], //          [N, 10] logits
  ]);
}
