import type * as tf from '@tensorflow/tfjs-node';
import { readOptions } from '../util/options';
import { defineModel, type NetworkOptions, networkRules } from './define';
import { conv, flatten, linearLayer, maxPool, relu } from './layers';

export type ShallowCnnOptions = NetworkOptions<readonly [number, number, number]>;

/**
 * Three convolutions and one linear layer, without any regularizer.
 * @param options.widths channels of the three convolutions. Default: [32, 64, 128]
 * @throws RangeError when an option is unknown or impossible
 */
export function shallowCnn(options: Partial<ShallowCnnOptions> = {}): tf.LayersModel {
  const rules = networkRules<ShallowCnnOptions['widths']>([32, 64, 128]);
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
