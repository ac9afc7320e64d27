// Batch normalization of a training batch. (With running statistics: tf.batchNorm, on the kernel of kernels.ts.)
import * as tf from '@tensorflow/tfjs-node';
import { hasCustomOps, isDifferentiated } from '../backend';
import { boolAttr, floatAttr, executeOps, NHWC, T_FLOAT32, U_FLOAT32 } from './call';
import { CUSTOM_OPS } from './customOpNames';
import { prepareEngine } from './prepare';

/** Running statistics of a batch norm. */
export interface NormStatistics {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalization of a training batch. Source: PyTorch's BatchNorm2d, whose running variance is unbiased. On the CPU it
 * is a custom op (lib/engine/native), which takes half the time of TensorFlow's FusedBatchNormV3 and rounds less.
 * @param x [N, H, W, C]
 * @param gamma, beta [C]
 * @param running [C] each
 * @param options.momentum share of the batch in the new running statistics (PyTorch's meaning)
 * @param update receives the new running statistics
 * @returns [N, H, W, C]
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  running: NormStatistics,
  { epsilon, momentum }: { epsilon: number; momentum: number },
  update: (statistics: NormStatistics) => void,
): tf.Tensor4D {
  prepareEngine();
  const { forward, gradient } = hasCustomOps() ? customNorm(epsilon, momentum) : fusedNorm(epsilon, momentum);
  const op = tf.customGrad((...args) => {
    const [input, scale, offset] = args as tf.Tensor[];
    const save = args[3] as unknown as tf.GradSaveFunc;
    const [y, mean, variance, ...reserved] = forward([input, scale, offset, running.mean, running.variance]);
    update({ mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D });
    save([input, scale, ...reserved]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        if (isDifferentiated()) {
          throw new Error(
            'a gradient of the gradient of batch norm: there is none while training; use evaluation mode.',
          );
        }
        return gradient([dy, ...saved]);
      },
    };
  });
  return op(x, gamma, beta) as tf.Tensor4D;
}

/** A batch norm's two ops. */
interface NormOps {
  /** From x, gamma, beta and the running statistics: y, the new running statistics, and what the gradient needs. */
  readonly forward: (inputs: tf.Tensor[]) => tf.Tensor[];
  /** From dy, x, gamma and what it needs: dx, dgamma and dbeta. */
  readonly gradient: (inputs: tf.Tensor[]) => tf.Tensor[];
}

const customNorm = (epsilon: number, momentum: number): NormOps => ({
  forward: (inputs) => executeOps(CUSTOM_OPS.batchNorm, [], [...inputs, tf.scalar(momentum), tf.scalar(epsilon)], 5),
  gradient: (inputs) => executeOps(CUSTOM_OPS.batchNormGrad, [], inputs, 3),
});

function fusedNorm(epsilon: number, momentum: number): NormOps {
  const common = [T_FLOAT32, U_FLOAT32, floatAttr('epsilon', epsilon), NHWC, boolAttr('is_training', true)];
  const average = floatAttr('exponential_avg_factor', momentum);
  return {
    forward: (inputs) => executeOps('FusedBatchNormV3', [...common, average], inputs, 6),
    gradient: (inputs) => executeOps('FusedBatchNormGradV3', common, inputs, 5).slice(0, 3),
  };
}
