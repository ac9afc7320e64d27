// The peak that a step's FLOP/s are compared with: a large convolution, which is nearly all arithmetic.
// node peakFlops.js float32|bfloat16
import * as tf from '@tensorflow/tfjs-node';
import { type Precision } from 'cifar10';
import { convFlops } from './flops';
import { serve } from './protocol';
import { compile } from 'cifar10/engine';

const [precision] = process.argv.slice(2) as [Precision];
/** [N, H, W, C] and [KH, KW, C, D]; two such convolutions one after the other are a step. */
const [images, kernel] = [
  [256, 16, 16, 256],
  [3, 3, 256, 256],
];

const x = tf.randomUniform<tf.Rank.R4>(images as [number, number, number, number], -1, 1);
const w = tf.variable(tf.randomUniform<tf.Rank.R4>(kernel as [number, number, number, number], -0.03, 0.03));
const convolve = (y: tf.Tensor) => tf.conv2d(y as tf.Tensor4D, w, 1, 'same');
// The mean keeps 64 MB from being copied out, and costs next to nothing.
const program = compile({ convolutions: (y: tf.Tensor) => ({ mean: tf.mean(convolve(convolve(y))) }) }, { precision });

const step = () => {
  const { mean } = program.convolutions(x);
  const value = mean.dataSync()[0];
  mean.dispose();
  return value;
};
void serve(`convolution, ${precision}`, { step, flops: 2 * convFlops(images, kernel) });
