// Where a network looked: Selvaraju et al. 2017, “Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
// Localization”, arXiv 1610.02391.
import * as tf from '@tensorflow/tfjs-node';
import type { HeatMap } from '../charts/maps';
import { type ImageArray, type Split, subset } from '../data/dataset';
import { readOptions, type Rules } from '../util/options';
import { checkClasses, checkImage, checkNumbers, classIndex, layerWithMaps } from './checks';
import { layerGradient, layerMaps, logitsOf } from './layerMaps';

export interface GradCamOptions {
  /** Which images of the split: 1 to 8 indices. Default: the first six. */
  readonly images: readonly number[] | undefined;
  /** The class to explain, or a list with one for each image. Default: for each image the predicted one. */
  readonly className: string | readonly string[] | undefined;
  /**
   * A layer that gives maps, by its name in the summary. Default: the finished maps of the last convolution, which go into
   * the pooling or the flattening after it.
   */
  readonly layer: string | undefined;
}

const isText = (value: unknown) => typeof value === 'string';
const rules: Rules<GradCamOptions> = {
  images: {
    default: undefined,
    expected: '1 to 8 indices of images, such as [0, 1, 2]',
    accepts: (value) => Array.isArray(value) && value.length >= 1 && value.length <= 8,
  },
  className: {
    default: undefined,
    expected: 'the name of a class, or a list of such names',
    accepts: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
  },
  layer: { default: undefined, expected: 'the name of a layer', accepts: isText },
};

/**
 * Grad-CAM: for each image, where the network found what speaks for a class. `heatOverlay` draws it.
 * @throws RangeError for an image, class, layer or option that does not exist, with those that do, and for a model whose
 *   training has diverged
 */
export function gradCam(model: tf.LayersModel, split: Split, options: Partial<GradCamOptions> = {}): HeatMap[] {
  const { images, className, layer: name } = readOptions('gradCam', rules, options);
  const { classNames } = split;
  checkClasses('gradCam', model, classNames);
  const indices = images ?? [...Array(Math.min(6, split.size)).keys()];
  for (const index of indices) checkImage('gradCam', split, index);
  const layer = layerWithMaps('gradCam', model, name, lastMaps);
  const some = subset(split, indices);
  const logits = logitsOf(model, some);
  const [values, probabilities, predicted] = tf.tidy(() => [
    logits.dataSync<'float32'>(),
    tf.softmax(logits).dataSync<'float32'>(),
    [...tf.argMax(logits, 1).dataSync()],
  ]);
  logits.dispose();
  checkNumbers('gradCam', 'logits', values);
  const classes = className === undefined ? predicted : classesOf(className, indices.length, classNames);
  const maps = classActivation(model, layer, some, classes);
  const [, height, width] = maps.shape;
  const heat = maps.dataSync<'float32'>();
  maps.dispose();
  return indices.map((index, i) => ({
    image: subset(split, [index]),
    name: `image ${index}`,
    label: classNames[some.labels[i]],
    className: classNames[classes[i]],
    probability: probabilities[i * classNames.length + classes[i]],
    layer: layer.name,
    heat: heat.slice(i * height * width, (i + 1) * height * width),
    height,
    width,
  }));
}

/**
 * The layer's maps, each weighted by the mean gradient of the class's logit with respect to it, summed up; negative sums,
 * which speak against the class, become 0.
 * @param classes one for each image
 * @returns [N, height, width], as large as the layer's maps
 */
function classActivation(
  model: tf.LayersModel,
  layer: tf.layers.Layer,
  images: ImageArray,
  classes: readonly number[],
): tf.Tensor3D {
  return tf.tidy(() => {
    const chosen = tf.oneHot(tf.tensor1d([...classes], 'int32'), (model.outputShape as number[])[1], 1, 0, 'float32');
    // Images don't affect each other: the gradient of the sum holds that of each image's own logit.
    const gradient = layerGradient(model, layer, images, (logits) => tf.sum(tf.mul(logits, chosen)));
    const weights = tf.mean(gradient, [1, 2], true);
    return tf.relu(tf.sum<tf.Tensor3D>(tf.mul(layerMaps(model, layer, images), weights), 3));
  });
}

/** @throws RangeError when there is no such class, or not one for each image */
function classesOf(className: string | readonly string[], images: number, classNames: readonly string[]): number[] {
  const names = typeof className === 'string' ? Array<string>(images).fill(className) : className;
  if (names.length === images) return names.map((name) => classIndex('gradCam', name, classNames));
  throw new RangeError(
    `gradCam: className names ${names.length} classes; expected one for each of the ${images} images.`,
  );
}

/** The layer before the pooling that follows the last convolution, or the last layer that gives maps. */
function lastMaps(layers: readonly tf.layers.Layer[]): tf.layers.Layer {
  const kinds = layers.map((layer) => layer.getClassName());
  // Conv2D, DepthwiseConv2D, SeparableConv2D …
  const convolution = kinds.map((kind) => kind.includes('Conv2D')).lastIndexOf(true);
  const pooling = kinds.findIndex((kind, index) => index > convolution && kind.endsWith('Pooling2D'));
  return layers[pooling > 0 ? pooling - 1 : layers.length - 1];
}
