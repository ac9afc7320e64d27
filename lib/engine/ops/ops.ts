// Ops that tfjs lacks, or spells out in elementwise ops at two to five times the cost.
import * as tf from '@tensorflow/tfjs-node';
import { backend, dataTypeOf, DataType, isDifferentiated, typeAttribute } from '../backend';
import { boolAttr, executeOps, executeOp, stringAttr, T_FLOAT32 } from './call';
import './kernels';

/**
 * Converts between types, uint8 included. Source: TensorFlow's Cast.
 * @param x any shape
 */
export const castTo = (x: tf.Tensor, type: DataType): tf.Tensor =>
  executeOp(
    'Cast',
    [typeAttribute('SrcT', dataTypeOf(x)), typeAttribute('DstT', type), boolAttr('Truncate', false)],
    [x],
  );

/**
 * Mean cross entropy of a batch. Source: TensorFlow's SparseSoftmaxCrossEntropyWithLogits; PyTorch's CrossEntropyLoss.
 * @param logits [N, classes]
 * @param labels [N], int32, each below the number of classes
 * @returns a scalar
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  const op = tf.customGrad((x, save) => {
    const [losses, gradient] = executeOps(
      'SparseSoftmaxCrossEntropyWithLogits',
      [T_FLOAT32, typeAttribute('Tlabels', DataType.int32)],
      [x as tf.Tensor, labels],
      2,
    );
    (save as tf.GradSaveFunc)([gradient, x as tf.Tensor, labels]);
    const [size, classes] = logits.shape;
    return {
      value: tf.mean(losses),
      gradFunc: (dy: tf.Tensor, [saved, input, classOf]: tf.Tensor[]) => {
        const each = isDifferentiated() ? tf.sub(tf.softmax(input), tf.oneHot(classOf, classes)) : saved;
        return tf.mul(each, tf.div(dy, size));
      },
    };
  });
  return op(logits) as tf.Scalar;
}

/**
 * Uniform numbers in [0, 1) that are a function of the key alone. Source: TensorFlow's StatelessRandomUniform (Philox).
 * @param key [2], int32
 */
export const statelessUniform = (shape: number[], key: tf.Tensor1D): tf.Tensor =>
  executeOp(
    'StatelessRandomUniform',
    [
      typeAttribute('dtype', DataType.float32),
      typeAttribute('T', DataType.int32),
      typeAttribute('Tseed', DataType.int32),
    ],
    [tf.tensor1d(shape, 'int32'), key],
  );

/**
 * Moves, turns and mirrors whole images. Source: TensorFlow's ImageProjectiveTransformV3, nearest pixel, 0 outside.
 * @param images uint8, int32 or float32 [N, H, W, C]
 * @param transforms [N, 8]: a0, a1, a2, b0, b1, b2, c0, c1; output (x, y) shows input ((a0·x + a1·y + a2)/k, (b0·x + b1·y + b2)/k), k = c0·x + c1·y + 1
 * @returns the same shape and type
 */
export function transformImages(images: tf.Tensor, transforms: tf.Tensor2D): tf.Tensor {
  const [, height, width] = images.shape;
  return executeOp(
    'ImageProjectiveTransformV3',
    [
      typeAttribute('dtype', dataTypeOf(images)),
      stringAttr('interpolation', 'NEAREST'),
      stringAttr('fill_mode', 'CONSTANT'),
    ],
    [images, transforms, tf.tensor1d([height, width], 'int32'), tf.scalar(0)],
  );
}

/**
 * A step of stochastic gradient descent for one parameter, as in PyTorch's SGD; on the processor in one pass over the memory
 * (lib/engine/native/ops/sgd.cc). g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·v. With momentum 0: w ← w − lr·g, and
 * v stays as it is.
 * @param parameter, velocity, gradient of one shape
 * @returns the new parameter and the new velocity
 */
export function sgdUpdate(
  parameter: tf.Tensor,
  velocity: tf.Tensor,
  gradient: tf.Tensor,
  { lr, momentum, weightDecay }: { lr: tf.Scalar; momentum: tf.Scalar; weightDecay: tf.Scalar },
): [parameter: tf.Tensor, velocity: tf.Tensor] {
  if (!backend.isUsingGpuDevice) {
    const inputs = [parameter, velocity, gradient, lr, momentum, weightDecay];
    return executeOps('SgdUpdate', [], inputs, 2) as [tf.Tensor, tf.Tensor];
  }
  return tf.tidy(() => {
    const decayed = tf.add(gradient, tf.mul(parameter, weightDecay));
    const next = tf.add(tf.mul(velocity, momentum), decayed);
    return [tf.sub(parameter, tf.mul(next, lr)), tf.where(tf.equal(momentum, 0), velocity, next)];
  });
}
