import type * as tf from '@tensorflow/tfjs-node';
import { readOptions, type Rules, sizes, wholeNumber } from '../util/options';
import { defineModel, type ModelOptions, modelRules } from './define';
import { batchNorm, conv, flatten, type Layers, linearLayer, maxPool, relu, residual, scale } from './layers';

export interface Resnet9Options extends ModelOptions {
  /** Channels of the four convolutions between which the image shrinks. Default: [64, 128, 256, 512]. */
  readonly widths: readonly [number, number, number, number];
  /** Default: 10. */
  readonly classes: number;
}

const rules: Rules<Resnet9Options> = {
  widths: sizes([64, 128, 256, 512]),
  classes: wholeNumber(10, 1),
  ...modelRules,
};

/** Convolution without bias (the batch norm has one), batch norm, ReLU. */
const convBlock = (filters: number): Layers => [conv(filters, { bias: false }), batchNorm(), relu()];

/**
 * ResNet-9, with which David Page won DAWNBench's CIFAR-10 in 2018 (github.com/davidcpage/cifar10-fast): eight convolutions, two
 * residual blocks, one linear layer. With 24 epochs of Nesterov's momentum, crops, flips and cutout, 94 % of the test images.
 * @param options.inputShape height and width ≥ 8
 * @throws RangeError when an option is unknown or impossible
 */
export function resnet9(options: Partial<Resnet9Options> = {}): tf.LayersModel {
  const { widths, classes, ...rest } = readOptions('resnet9', rules, options);
  const [a, b, c, d] = widths;
  const [height, width] = rest.inputShape;
  const left = Math.max(1, Math.floor(Math.min(height, width) / 8)); // of each side, after three poolings
  return defineModel('resnet9', rest, [
    [convBlock(a)], //                                           [N, 32, 32, 64]
    [convBlock(b), maxPool()], //                                [N, 16, 16, 128]
    [residual([convBlock(b), convBlock(b)])], //                 [N, 16, 16, 128]
    [convBlock(c), maxPool()], //                                [N, 8, 8, 256]
    [convBlock(d), maxPool()], //                                [N, 4, 4, 512]
    [residual([convBlock(d), convBlock(d)])], //                 [N, 4, 4, 512]
    [maxPool(left), flatten()], //                               [N, 512]
    [linearLayer(classes, { bias: false }), scale(0.125)], //    [N, 10] logits
  ]);
}
