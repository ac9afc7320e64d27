// What happens at a layer of a model. It runs op by op: for a few images that is quicker than compiling.
import * as tf from '@tensorflow/tfjs-node';
import type { ImageArray } from '../data/dataset';
import { uint8Tensor } from '../engine/ops/ops';
import { normalize } from '../data/augment';

/** The model's logits [N, classes]; dropout is off. */
export const logitsOf = (model: tf.LayersModel, images: ImageArray): tf.Tensor2D =>
  tf.tidy(() => model.apply(inputOf(images)) as tf.Tensor2D);

/** What a layer that gives maps makes of images: [N, height, width, channels]. */
export function layerMaps(model: tf.LayersModel, layer: tf.layers.Layer, images: ImageArray): tf.Tensor4D {
  const part = tf.model({ inputs: model.inputs, outputs: layer.output });
  return tf.tidy(() => part.apply(inputOf(images)) as tf.Tensor4D);
}

/**
 * How a number that is computed from the logits changes with each value that a layer gives: the gradient, as large as the
 * layer's maps. (A zero is added to the layer's output, and the gradient of that zero taken.)
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
    const input = inputOf(images);
    const scoreWith = (change: tf.Tensor) =>
      tapped(
        layer,
        (output) => tf.add(output, change),
        () => score(model.apply(input) as tf.Tensor2D),
      );
    const [, ...shape] = layer.outputShape as number[];
    return tf.grad(scoreWith)(tf.zeros([images.size, ...shape])) as tf.Tensor4D;
  });
}

const inputOf = ({ images, size, imageShape }: ImageArray): tf.Tensor =>
  normalize(uint8Tensor(images, [size, ...imageShape]));

/** Runs a function while a layer's output passes through `tap`. */
function tapped<T>(layer: tf.layers.Layer, tap: (output: tf.Tensor) => tf.Tensor, run: () => T): T {
  const original = layer.call.bind(layer);
  layer.call = (inputs, kwargs) => tap(original(inputs, kwargs) as tf.Tensor);
  try {
    return run();
  } finally {
    delete (layer as Partial<Pick<tf.layers.Layer, 'call'>>).call; // the method of its class is there again
  }
}
