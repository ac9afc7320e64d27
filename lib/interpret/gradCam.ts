// Where a network looked: Selvaraju et al. 2017, “Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
// Localization”, arXiv 1610.02391.
import * as tf from '@tensorflow/tfjs-node';
import { imageGrid } from '../charts/imageGrid';
import { heatOverlay } from '../charts/heatOverlay';
import { type Figure, percent } from '../charts/theme';
import { pictureTiles } from '../charts/tiles';
import { imageBytes, type ImageArray, type Split, subset } from '../data/dataset';
import { readOptions, type Rules } from '../util/options';
import { checkClasses, checkImage, checkNumbers, classIndex, classNameOf, layerWithMaps, mapLayers } from './checks';
import { layerGradient, layerMaps, logitsOf } from './layerMaps';

export interface GradCamOptions {
  /** Which images of the split: 1 to 8 numbers. Default: the first six. */
  readonly images: readonly number[] | undefined;
  /** The class to explain, or a list with one for each image. Default: for each image the one that the model says. */
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
    expected: '1 to 8 numbers of images, such as [0, 1, 2]',
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
 * Grad-CAM: images above, and below each the same with a heat map over it, bright where the network found what speaks for
 * a class. Each heat map has a scale of its own; where nothing speaks for the class it is dark all over.
 * @throws RangeError for an image, class, layer or option that there is not, with what there is, and for a model whose training
 *   has diverged
 */
export function gradCam(
  model: tf.LayersModel,
  split: Split,
  classNames: readonly string[],
  options: Partial<GradCamOptions> = {},
): Figure {
  const { images, className, layer: name } = readOptions('gradCam', rules, options);
  checkClasses('gradCam', model, classNames);
  const numbers = images ?? [...Array(Math.min(6, split.size)).keys()];
  for (const number of numbers) checkImage('gradCam', split, number);
  const layer = layerWithMaps('gradCam', model, name ?? lastLayer(model)?.name);
  const some = subset(split, numbers);
  const classes = className === undefined ? undefined : classesOf(className, numbers.length, classNames);
  const { heat, explained, probabilities } = enlarged(model, layer, some, classes);

  const image = (i: number) => some.images.subarray(i * imageBytes(some), (i + 1) * imageBytes(some));
  const truth = (i: number) => classNameOf('gradCam', some.labels[i], classNames);
  const originals = numbers.map((number, i) => ({
    picture: imageGrid({ images: image(i) }, { scale: 4 }),
    caption: `image ${number}<br>is ${truth(i)}`,
  }));
  const overlays = numbers.map((_, i) => ({
    picture: heatOverlay(image(i), heat.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE)),
    caption: `${classNames[explained[i]]} ${percent(probabilities[i])}`,
  }));
  const above = numbers.map((number, i) => `image ${number}: ${truth(i)}`);
  const below = numbers.map(
    (_, i) => `what speaks for <b>${classNames[explained[i]]}</b> in ${layer.name}<br>(${percent(probabilities[i])})`,
  );
  return pictureTiles([...originals, ...overlays], { columns: numbers.length, hovers: [...above, ...below] });
}

/**
 * The class activation maps: the layer's maps, each weighted by the mean gradient of the class's logit with respect to it,
 * summed up; what speaks against the class, below 0, is cut off.
 * @param classes one for each image
 * @returns [N, height, width], as large as the layer's maps
 */
export function classActivation(
  model: tf.LayersModel,
  layer: tf.layers.Layer,
  images: ImageArray,
  classes: readonly number[],
): tf.Tensor3D {
  return tf.tidy(() => {
    const chosen = tf.oneHot(tf.tensor1d([...classes], 'int32'), (model.outputShape as number[])[1], 1, 0, 'float32');
    // Images do not see each other: the gradient of the sum holds that of each image's own logit.
    const gradient = layerGradient(model, layer, images, (logits) => tf.sum(tf.mul(logits, chosen)));
    const weights = tf.mean(gradient, [1, 2], true);
    return tf.relu(tf.sum<tf.Tensor3D>(tf.mul(layerMaps(model, layer, images), weights), 3));
  });
}

/** @throws RangeError when there is no such class, or not one for each image */
function classesOf(className: string | readonly string[], images: number, classNames: readonly string[]): number[] {
  const names = typeof className === 'string' ? Array<string>(images).fill(className) : className;
  if (names.length !== images) {
    throw new RangeError(
      `gradCam: className names ${names.length} classes; expected one for each of the ${images} images.`,
    );
  }
  return names.map((name) => classIndex('gradCam', name, classNames));
}

/**
 * What the last convolution's maps are when its ReLU and batch norm are done: the layer before the next pooling, or the last
 * one that gives maps.
 */
function lastLayer(model: tf.LayersModel): tf.layers.Layer | undefined {
  const layers = mapLayers(model);
  const kinds = layers.map((layer) => layer.getClassName());
  // Conv2D, DepthwiseConv2D, SeparableConv2D …
  const convolution = kinds.map((kind) => kind.includes('Conv2D')).lastIndexOf(true);
  const pooling = kinds.findIndex((kind, index) => index > convolution && kind.endsWith('Pooling2D'));
  return layers.at(pooling > 0 ? pooling - 1 : -1);
}

const SIDE = 128; // px of a heat map

/** Heat maps of SIDE × SIDE, each from 0 to 1 at its hottest; the classes explained, and what the model gives them. */
function enlarged(model: tf.LayersModel, layer: tf.layers.Layer, images: Split, classes?: number[]) {
  return tf.tidy(() => {
    const logits = logitsOf(model, images);
    checkNumbers('gradCam', 'logits', logits.dataSync<'float32'>());
    const softmax = tf.softmax(logits);
    const explained = classes ?? [...tf.argMax(softmax, 1).dataSync()];
    const all = softmax.dataSync<'float32'>();
    const maps = tf.expandDims<tf.Tensor4D>(classActivation(model, layer, images, explained), 3);
    const smooth = tf.image.resizeBilinear(maps, [SIDE, SIDE], false, true);
    const hottest = tf.maximum(tf.max(smooth, [1, 2, 3], true), 1e-12);
    return {
      heat: tf.div(smooth, hottest).dataSync<'float32'>(),
      explained,
      probabilities: explained.map((index, i) => all[(i * all.length) / images.size + index]),
    };
  });
}
