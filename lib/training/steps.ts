// The two functions that training is made of, on tensors: one step of learning, and one batch of testing.
import * as tf from '@tensorflow/tfjs-node';
import { DataType } from '../engine/backend';
import type { ImageShape } from '../data/dataset';
import type { TensorType } from '../engine/graph';
import { softmaxCrossEntropy } from '../engine/ops/ops';
import { normalize } from '../data/augment';
import { cropAndFlip, type CropAndFlip, cropAndFlipBy } from './cropAndFlip';
import type { Optimizer } from './optimizer';

/** A batch's mean loss and its number of right answers, both scalars. */
export interface BatchScore extends Record<string, tf.Tensor> {
  loss: tf.Tensor;
  correct: tf.Tensor;
}

/**
 * Makes the training step: predict, compare, go back through the model, move the parameters.
 * @returns a function of images (uint8 [N, H, W, C]), labels (int32 [N]), the step's random key (int32 [2]) and the
 *   knobs (float32 [KNOBS]: lr, momentum, weightDecay; where the augmentation is 'live', [LIVE_KNOBS]: crop and flip too)
 */
export function makeTrainStep(model: tf.LayersModel, optimizer: Optimizer, augmentation: CropAndFlip | 'live') {
  return (images: tf.Tensor, labels: tf.Tensor, key: tf.Tensor, knobs: tf.Tensor): BatchScore => {
    const [lr, momentum, weightDecay, crop, flip] = tf.unstack(knobs) as tf.Scalar[];
    const augmented =
      augmentation === 'live'
        ? cropAndFlipBy(images, key as tf.Tensor1D, { crop, flip })
        : cropAndFlip(images, key as tf.Tensor1D, augmentation);
    const x = normalize(augmented);
    let logits!: tf.Tensor2D;
    const { value: loss, grads } = tf.variableGrads(() => {
      logits = tf.keep(model.apply(x, { training: true, key }) as tf.Tensor2D);
      return softmaxCrossEntropy(logits, labels as tf.Tensor1D);
    });
    optimizer.apply(grads, { lr, momentum, weightDecay });
    const correct = countCorrect(logits, labels);
    logits.dispose();
    return { loss, correct };
  };
}

/**
 * Makes the evaluation of a batch: dropout off, batch norm on its running statistics.
 * @returns a function of images (uint8 [N, H, W, C]) and labels (int32 [N])
 */
export function makeTestStep(model: tf.LayersModel) {
  return (images: tf.Tensor, labels: tf.Tensor): BatchScore => {
    const logits = model.apply(normalize(images)) as tf.Tensor2D;
    return { loss: softmaxCrossEntropy(logits, labels as tf.Tensor1D), correct: countCorrect(logits, labels) };
  };
}

/** Types of what a test step takes, for a batch of so many images. */
export const testInputs = (size: number, imageShape: ImageShape): TensorType[] => [
  { dtype: DataType.uint8, shape: [size, ...imageShape] },
  { dtype: DataType.int32, shape: [size] },
];

/** How many knobs a training step has; and with an augmentation that is 'live'. */
export const KNOBS = 3;
export const LIVE_KNOBS = 5;

/** Types of what a training step takes, for a batch of so many images. */
export const learnInputs = (size: number, imageShape: ImageShape, knobs = KNOBS): TensorType[] => [
  ...testInputs(size, imageShape),
  { dtype: DataType.int32, shape: [2] },
  { dtype: DataType.float32, shape: [knobs] },
];

const countCorrect = (logits: tf.Tensor2D, labels: tf.Tensor): tf.Tensor =>
  tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'int32'));
