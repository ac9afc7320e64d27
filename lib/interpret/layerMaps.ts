// What happens at a layer of a model. It runs op by op: for a few images that is faster than compiling.
import * as tf from '@tensorflow/tfjs-node';
import type { ImageArray } from '../data/dataset';
import { uint8Tensor } from '../engine/ops/ops';
import { normalizeFor } from '../models/define';

/** The model's logits [N, classes]; dropout is off. */
export const logitsOf = (model: tf.LayersModel, images: ImageArray): tf.Tensor2D =>
  tf.tidy(() => model.apply(inputOf(model, images)) as tf.Tensor2D);

/** The output of a layer that gives maps: [N, height, width, channels]. */
export function layerMaps(model: tf.LayersModel, layer: tf.layers.Layer, images: ImageArray): tf.Tensor4D {
  const part = tf.model({ inputs: model.inputs, outputs: layer.output });
  return tf.tidy(() => part.apply(inputOf(model, images)) as tf.Tensor4D);
}

/**
 * The gradient of a number that is computed from the logits with respect to a layer's output. (A zero is added to the
 * output, and the gradient of that zero taken.)
 * @param score a scalar of the logits [N, classes]
 * @returns [N, height, width, channels]
 */
export function layerGradient(
  model: tf.LayersModel,
  layer: tf.layers.Layer,
  images: ImageArray,
  score: (logits: tf.Tensor2D) => tf.Tensor,
): tf.Tensor4D {
  return tf.tidy(() => {
    const input = inputOf(model, images);
    const scoreWith = (change: tf.Tensor) =>
      withForwardHook(
        layer,
        (output) => tf.add(output, change),
        () => score(model.apply(input) as tf.Tensor2D),
      );
    const [, ...shape] = layer.outputShape as number[];
    return tf.grad(scoreWith)(tf.zeros([images.size, ...shape])) as tf.Tensor4D;
  });
}

const inputOf = (model: tf.LayersModel, { images, size, imageShape }: ImageArray): tf.Tensor =>
  normalizeFor(model, uint8Tensor(images, [size, ...imageShape]));

/** Runs a function while a layer's output passes through `hook`. */
function withForwardHook<T>(layer: tf.layers.Layer, hook: (output: tf.Tensor) => tf.Tensor, run: () => T): T {
  const original = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => hook(original(inputs, kwargs) as tf.Tensor);
  try {
    return run();
  } finally {
    delete (layer as Partial<Pick<tf.layers.Layer, 'call'>>).call; // uncovers the method of its class
  }
}
