// Ops that tfjs lacks, or composes of elementwise ops at two to five times the cost.
import * as tf from '@tensorflow/tfjs-node';
import { backend, dataTypeOf, DataType, hasCustomOps, isDifferentiated, typeAttribute } from '../backend';
import { castAttributes, executeOps, executeOp, stringAttr, T_FLOAT32 } from './call';
import { CUSTOM_OPS } from './customOpNames';
import { prepareEngine } from './prepare';

/**
 * A uint8 tensor, a quarter of the size of tfjs's int32. tfjs takes it for int32.
 * @param values as many as the shape holds
 */
export function uint8Tensor(values: Uint8Array, shape: number[]): tf.Tensor {
  prepareEngine();
  const { binding, createOutputTensor } = backend();
  const dtype = DataType.uint8;
  return createOutputTensor.call(backend(), { id: binding.createTensor(shape, dtype, values), shape, dtype });
}

/**
 * Converts between types, uint8 included. Source: TensorFlow's Cast.
 * @param x any shape
 */
export function castTo(x: tf.Tensor, type: DataType): tf.Tensor {
  prepareEngine();
  return executeOp('Cast', castAttributes(dataTypeOf(x), type), [x]);
}

/**
 * Mean cross entropy of a batch: PyTorch's CrossEntropyLoss, label smoothing included (with ε, the target is 1 − ε + ε/K for
 * the label and ε/K for the other K − 1 classes). Source: TensorFlow's SparseSoftmaxCrossEntropyWithLogits.
 * @param logits [N, K]
 * @param labels [N], int32, each below K
 * @param options.labelSmoothing ε, in [0, 1]; a scalar where it changes from step to step. Default: 0.
 * @returns a scalar
 */
export function softmaxCrossEntropy(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  { labelSmoothing = 0 }: { labelSmoothing?: number | tf.Scalar } = {},
): tf.Scalar {
  prepareEngine();
  if (labelSmoothing === 0) return hardCrossEntropy(logits, labels);
  // Σₖ tₖ·(lse − xₖ) with t = (1 − ε)·onehot + ε/K is lse − x_label + ε·(x_label − mean(x)), where lse = log Σ exp(xₖ).
  return tf.tidy(() => {
    const classes = logits.shape[1];
    const moved = tf.sub(tf.oneHot(labels, classes, 1, 0, 'float32'), 1 / classes);
    const smoothing = tf.mean(tf.sum(tf.mul(logits, moved), 1));
    return tf.add(hardCrossEntropy(logits, labels), tf.mul(smoothing, labelSmoothing));
  });
}

function hardCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
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
 * Uniform random numbers in [0, 1), a function of the key alone. Source: TensorFlow's StatelessRandomUniform (Philox).
 * @param key [2], int32; see `foldIn`
 * @returns float32 of that shape
 */
export function randomUniform(shape: number[], key: tf.Tensor1D): tf.Tensor {
  prepareEngine();
  const attributes = [
    typeAttribute('dtype', DataType.float32),
    typeAttribute('T', DataType.int32),
    typeAttribute('Tseed', DataType.int32),
  ];
  return tf.tidy(() => executeOp('StatelessRandomUniform', attributes, [tf.tensor1d(shape, 'int32'), key]));
}

/**
 * Moves, rotates and mirrors whole images, nearest pixel. Source: TensorFlow's ImageProjectiveTransformV3.
 * @param images uint8, int32 or float32 [N, H, W, C]
 * @param transforms [N, 8]: a0, a1, a2, b0, b1, b2, c0, c1; output (x, y) shows input ((a0·x + a1·y + a2)/k, (b0·x + b1·y + b2)/k), k = c0·x + c1·y + 1
 * @param fill what is outside of an image: 0, or its reflection (dcb|abcd|cba), as NumPy's and torchvision's 'reflect'
 * @returns the same shape and type
 */
export function transformImages(
  images: tf.Tensor4D,
  transforms: tf.Tensor2D,
  fill: 'zero' | 'reflect' = 'zero',
): tf.Tensor4D {
  prepareEngine();
  return tf.tidy(() =>
    fill === 'reflect' ? transformReflected(images, transforms) : transformZero(images, transforms),
  );
}

function transformZero(images: tf.Tensor4D, transforms: tf.Tensor2D): tf.Tensor4D {
  const attributes = [
    typeAttribute('dtype', dataTypeOf(images)),
    stringAttr('interpolation', 'NEAREST'),
    stringAttr('fill_mode', 'CONSTANT'),
  ];
  const size = tf.tensor1d(images.shape.slice(1, 3), 'int32');
  return executeOp('ImageProjectiveTransformV3', attributes, [images, transforms, size, tf.scalar(0)]) as tf.Tensor4D;
}

/** TensorFlow's op only knows the reflection with the edge: here each pixel is gathered from where it comes from. */
function transformReflected(images: tf.Tensor4D, transforms: tf.Tensor2D): tf.Tensor4D {
  const [size, height, width, channels] = images.shape;
  const [a0, a1, a2, b0, b1, b2, c0, c1] = tf.unstack(tf.reshape(transforms, [size, 1, 1, 8]), 3);
  const [x, y] = [tf.reshape(tf.range(0, width), [1, 1, width]), tf.reshape(tf.range(0, height), [1, height, 1])];
  const plane = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor | number) => tf.add(tf.add(tf.mul(a, x), tf.mul(b, y)), c);
  const k = plane(c0, c1, 1);
  const column = reflect(tf.div(plane(a0, a1, a2), k), width);
  const row = reflect(tf.div(plane(b0, b1, b2), k), height);
  const index = tf.reshape(tf.cast(tf.add(tf.mul(row, width), column), 'int32'), [size, height * width]);
  const pixels = tf.gather(tf.reshape(images, [size, height * width, channels]), index, 1, 1);
  return tf.reshape(pixels, images.shape);
}

/** The pixel of a line of `size` that a place outside shows: …2 1 | 0 1 2 3 | 2 1… */
function reflect(place: tf.Tensor, size: number): tf.Tensor {
  const last = size - 1;
  return tf.sub(last, tf.abs(tf.sub(last, tf.mod(tf.round(place), Math.max(1, 2 * last)))));
}

/** PyTorch's hyperparameters of SGD. */
export interface SgdHyperparameters {
  readonly lr: tf.Scalar;
  readonly momentum: tf.Scalar;
  readonly weightDecay: tf.Scalar;
  /** Default: false. */
  readonly nesterov?: boolean;
}

/**
 * A step of stochastic gradient descent for one parameter, as PyTorch's SGD; on the CPU in one pass over the memory
 * (lib/engine/native). g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·(nesterov ? g + momentum·v : v). With momentum
 * 0: w ← w − lr·g, and v stays as it is.
 * @param parameter, velocity, gradient of one shape
 * @returns the new parameter and the new velocity
 */
export function sgdUpdate(
  parameter: tf.Tensor,
  velocity: tf.Tensor,
  gradient: tf.Tensor,
  { lr, momentum, weightDecay, nesterov = false }: SgdHyperparameters,
): [parameter: tf.Tensor, velocity: tf.Tensor] {
  prepareEngine();
  return tf.tidy(() => {
    if (hasCustomOps()) {
      const inputs = [parameter, velocity, gradient, lr, momentum, weightDecay, tf.scalar(Number(nesterov))];
      return executeOps(CUSTOM_OPS.sgd, [], inputs, 2) as [tf.Tensor, tf.Tensor];
    }
    const decayed = tf.add(gradient, tf.mul(parameter, weightDecay));
    const next = tf.add(tf.mul(velocity, momentum), decayed);
    const step = nesterov ? tf.add(decayed, tf.mul(next, momentum)) : next;
    return [tf.sub(parameter, tf.mul(step, lr)), tf.where(tf.equal(momentum, 0), velocity, next)];
  });
}
