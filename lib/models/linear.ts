import type * as tf from '@tensorflow/tfjs-node';
import { readOptions, type Rules, sizes, wholeNumber } from '../util/options';
import { defineModel, type ModelOptions, modelRules } from './define';
import { flatten, linearLayer, relu } from './layers';

export interface LinearOptions extends ModelOptions {
  /** Units of the two hidden layers. Default: [512, 512]. */
  readonly widths: readonly [number, number];
  /** Default: 10. */
  readonly classes: number;
}

const rules: Rules<LinearOptions> = { widths: sizes([512, 512]), classes: wholeNumber(10, 1), ...modelRules };

/**
 * Three linear layers with ReLU between them. It sees an image as 3,072 numbers in a row and knows nothing of neighbors.
 * @throws RangeError when an option is unknown or impossible
 */
export function linear(options: Partial<LinearOptions> = {}): tf.LayersModel {
  const { widths, classes, ...rest } = readOptions('linear', rules, options);
  return defineModel('linear', rest, {
    flatten: flatten(), //                                    [N, 3072]
    linear_relu_stack: [
      [linearLayer(widths[0]), relu()], //                    [N, 512]
      [linearLayer(widths[1]), relu()], //                    [N, 512]
      [linearLayer(classes)], //                              [N, 10] logits
    ],
  });
}
