import type * as tf from '@tensorflow/tfjs-node';
import { readOptions } from '../util/options';
import { defineModel, type NetworkOptions, networkRules } from './define';
import { batchNorm, conv, flatten, type Layers, linearLayer, maxPool, relu, residual, scale } from './layers';

export type Resnet9Options = NetworkOptions<readonly [number, number, number, number]>;

/** Convolution without bias (the batch norm has one), batch norm, ReLU. */
const convBlock = (filters: number): Layers => [conv(filters, { bias: false }), batchNorm(), relu()];

/**
 * ResNet-9, with which David Page won DAWNBench's CIFAR-10 in 2018 (github.com/davidcpage/cifar10-fast): eight convolutions, two
 * residual blocks, one linear layer. With 24 epochs of Nesterov's momentum, crops, flips and cutout, 94 % of the test images.
 * @param options.widths channels before each pooling. Default: [64, 128, 256, 512]
 * @param options.inputShape height and width ≥ 8
 * @throws RangeError when an option is unknown or impossible
 */
export function resnet9(options: Partial<Resnet9Options> = {}): tf.LayersModel {
  const rules = networkRules<Resnet9Options['widths']>([64, 128, 256, 512]);
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
