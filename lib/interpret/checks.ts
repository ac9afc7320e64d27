// What the calls of this folder take, checked the same way everywhere: a wrong value is named, with what would be right.
import * as tf from '@tensorflow/tfjs-node';
import type { Split } from '../data/dataset';
import { layersOf } from '../models/define';
import { inspectValue } from '../util/options';
import { DIVERGED } from './predictions';

/** @throws RangeError unless there is a probability for each image and class, and a name for each label */
export function checkPredictions(
  owner: string,
  probabilities: Float32Array,
  { labels }: Pick<Split, 'labels'>,
  classNames: readonly string[],
): void {
  if (labels.length === 0) throw new RangeError(`${owner}: there are no images; expected at least one.`);
  if (probabilities.length !== labels.length * classNames.length) {
    throw new RangeError(
      `${owner}: there are ${probabilities.length} probabilities; expected ${labels.length * classNames.length}, for ` +
        `${labels.length} images and ${classNames.length} classes: give the images that predict was given.`,
    );
  }
  const wrong = labels.findIndex((label) => label >= classNames.length);
  if (wrong >= 0) {
    throw new RangeError(
      `${owner}: image ${wrong} has the label ${labels[wrong]}; expected 0 to ${classNames.length - 1}, as there are ` +
        `${classNames.length} class names.`,
    );
  }
}

/**
 * @param what names the numbers: logits, activations or weights of a model
 * @throws RangeError when some are NaN or infinite
 */
export function checkNumbers(owner: string, what: string, numbers: Float32Array): void {
  // Max pooling makes the lowest number there is of NaN.
  if (numbers.every((number) => Math.abs(number) < 3e38)) return;
  throw new RangeError(`${owner}: some of the ${what} are no numbers: ${DIVERGED}`);
}

/**
 * The number of a class.
 * @throws RangeError for a name that is not among them
 */
export function classIndex(owner: string, name: string, classNames: readonly string[]): number {
  const index = classNames.indexOf(name);
  if (index < 0) throw new RangeError(`${owner}: there is no class ${name}; expected one of ${classNames.join(', ')}.`);
  return index;
}

/** @throws RangeError unless `index` is the number of one of the images */
export function checkImage(owner: string, { size }: Pick<Split, 'size'>, index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`${owner}: image ${inspectValue(index)}; expected a whole number from 0 to ${size - 1}.`);
  }
}

/** Whether a layer gives maps: [N, height, width, channels]. */
const hasMaps = ({ outputShape }: tf.layers.Layer): boolean => outputShape.length === 4;

/** The layers of a model that give maps, in their order. */
export const mapLayers = (model: tf.LayersModel): tf.layers.Layer[] => layersOf(model).filter(hasMaps);

/**
 * A layer of the model whose output is maps.
 * @throws RangeError when there is none of that name, or it gives no maps: the layers that do are listed
 */
export function layerWithMaps(owner: string, model: tf.LayersModel, name: string | undefined): tf.layers.Layer {
  const layers = mapLayers(model);
  if (layers.length === 0) {
    throw new RangeError(`${owner}: no layer of ${model.name} gives maps of height × width; expected convolutions.`);
  }
  const layer = layers.find((layer) => layer.name === name);
  if (layer) return layer;
  const isThere = model.layers.some((layer) => layer.name === name);
  const problem = isThere ? `the layer ${name} gives no maps of height × width` : `${model.name} has no layer ${name}`;
  throw new RangeError(`${owner}: ${problem}; expected one of ${layers.map(({ name }) => name).join(', ')}.`);
}

/** @throws RangeError unless the model has an output for each class name */
export function checkClasses(owner: string, model: tf.LayersModel, classNames: readonly string[]): void {
  const classes = (model.outputShape as tf.Shape)[1];
  if (classes !== classNames.length) {
    throw new RangeError(
      `${owner}: there are ${classNames.length} class names; expected ${classes}, as many as ${model.name} tells apart.`,
    );
  }
}

/**
 * The name of a class.
 * @throws RangeError when there is no such class
 */
export function classNameOf(owner: string, label: number, classNames: readonly string[]): string {
  if (label in classNames) return classNames[label];
  throw new RangeError(
    `${owner}: the label ${label}; expected 0 to ${classNames.length - 1}, as there are ${classNames.length} class names.`,
  );
}
