import type * as tf from '@tensorflow/tfjs-node';
import { readOptions } from '../util/options';
import { defineModel, type NetworkOptions, networkRules } from './define';
import { flatten, linearLayer, relu } from './layers';

export type LinearOptions = NetworkOptions<readonly [number, number]>;

/**
 * Three linear layers with ReLU between them. It sees an image as 3,072 numbers in a row and knows nothing of neighbors.
 * @param options.widths units of the two hidden layers. Default: [512, 512]
 * @throws RangeError when an option is unknown or impossible
 */
export function linear(options: Partial<LinearOptions> = {}): tf.LayersModel {
  const rules = networkRules<LinearOptions['widths']>([512, 512]);
  const { widths, classes, ...rest } = readOptions('linear', rules, options);
  return defineModel('linear', rest, {
    flatten: flatten(), //                     [N, 3072]
    linear_relu_stack: [
      [linearLayer(widths[0]), relu()], //     [N, 512]
      [linearLayer(widths[1]), relu()], //     [N, 512]
      [linearLayer(classes)], //               [N, 10] logits
    ],
  });
}
