import type * as tf from '@tensorflow/tfjs-node';
import { batchNorm, conv, defineModel, flatten, gelu, linearLayer, relu, residual, scale } from 'cifar10/models';

/** `Mixed` of test/fixtures/torch/torch_models.py. */
export const mixed = ([a, b]: readonly [number, number]): tf.LayersModel =>
  defineModel(
    'mixed',
    { seed: 5 },
    {
      stem: [
        [conv(a, { stride: 2 }), gelu()],
        residual([conv(a, { kernel: 1 }), gelu()]),
        [conv(b, { kernel: 5, stride: 2, padding: 0 }), batchNorm({ epsilon: 1e-3, momentum: 0.6 }), gelu()],
      ],
      flatten: flatten(),
      head: [batchNorm(), residual([relu(), scale(2)]), linearLayer(7), gelu(), linearLayer(10)],
    },
  );
