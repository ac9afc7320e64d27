// How wrong the answers are. A loss is a function of logits and labels; write your own like this one.
import type * as tf from '@tensorflow/tfjs-node';
import { softmaxCrossEntropy } from '../engine/ops/ops';
import { inspectValue } from '../util/options';
import type { Hyperparameter } from '../util/hyperparameters';
import type { Scalars } from './optimizers';

/** Part of the compiled step. Give it a `toString` that names the values it captures: a saved run is recognized by it. */
export interface Loss {
  /**
   * @param logits [N, classes], float32
   * @param labels [N], int32
   * @param scalars its hyperparameters at this step
   * @returns the mean over the batch
   */
  (logits: tf.Tensor2D, labels: tf.Tensor1D, scalars: Scalars): tf.Scalar;
  /** Numbers of its own that may change from step to step; on test images, what they are at the start counts. */
  readonly hyperparameters?: Readonly<Record<string, Hyperparameter>>;
}

/**
 * Mean cross entropy, as PyTorch's `CrossEntropyLoss`.
 * @param options.labelSmoothing share of the target that is spread evenly over all classes, in [0, 1). Default: 0
 * @throws RangeError for a share outside of that
 */
export function crossEntropy({ labelSmoothing = 0 }: { labelSmoothing?: number } = {}): Loss {
  if (!(typeof labelSmoothing === 'number' && labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new RangeError(
      `crossEntropy: labelSmoothing is ${inspectValue(labelSmoothing)}; expected a number in [0, 1).`,
    );
  }
  const loss: Loss = (logits, labels) => softmaxCrossEntropy(logits, labels, { labelSmoothing });
  const text = labelSmoothing === 0 ? 'crossEntropy()' : `crossEntropy({ labelSmoothing: ${labelSmoothing} })`;
  return Object.assign(loss, { toString: () => text });
}
