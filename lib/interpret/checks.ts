// What the calls of this folder take, checked the same way everywhere: an error names the wrong value and what is expected.
import type * as tf from '@tensorflow/tfjs-node';
import type { ImageArray, Split } from '../data/dataset';
import { layersOf } from '../models/define';
import { inspectValue } from '../util/options';

const DIVERGED =
  "the model's training has diverged. Train a new one with a smaller learning rate, or restore an earlier state of this one.";

const TOLERANCE = 1e-3; // of probabilities, for 16-bit numbers

/** @throws RangeError unless there is a probability in [0, 1] for each image and class, and a class name for each label */
export function checkProbabilities(probabilities: Float32Array, { labels, classNames }: Split): void {
  const classes = classNames.length;
  if (labels.length === 0) throw new RangeError('interpret: there are no images; expected at least one.');
  if (probabilities.length !== labels.length * classes) {
    throw new RangeError(
      `interpret: there are ${probabilities.length} probabilities; expected ${labels.length * classes}, for ` +
        `${labels.length} images and ${classes} classes: predict the images of the split.`,
    );
  }
  const wrongLabel = labels.findIndex((label) => label >= classes);
  if (wrongLabel >= 0) {
    throw new RangeError(
      `interpret: image ${wrongLabel} has the label ${labels[wrongLabel]}; expected 0 to ${classes - 1}, an index into classNames.`,
    );
  }
  const wrong = probabilities.findIndex((probability) => !(probability >= 0 && probability <= 1 + TOLERANCE));
  if (wrong < 0) return;
  const image = Math.floor(wrong / classes);
  if (Number.isNaN(probabilities[wrong])) {
    throw new RangeError(`The probabilities of image ${image} are NaN: ${DIVERGED}`);
  }
  throw new RangeError(
    `The probabilities of image ${image} are not in [0, 1]: one is ${Number(probabilities[wrong].toPrecision(4))}; give what ` +
      'predict returns, not logits.',
  );
}

/**
 * @param what names the numbers: logits, activations or weights of a model
 * @throws RangeError when some are NaN or infinite
 */
export function checkNumbers(caller: string, what: string, numbers: Float32Array): void {
  // Max pooling turns NaN into the lowest float32.
  if (numbers.every((number) => Math.abs(number) < 3e38)) return;
  throw new RangeError(`${caller}: some of the ${what} are NaN or infinite: ${DIVERGED}`);
}

/** @throws RangeError unless `index` is that of one of the images */
export function checkImage(caller: string, { size }: Pick<ImageArray, 'size'>, index: number): void {
  if (Number.isInteger(index) && index >= 0 && index < size) return;
  throw new RangeError(`${caller}: image ${inspectValue(index)}; expected an integer from 0 to ${size - 1}.`);
}

/**
 * The index of a class.
 * @throws RangeError for a name that is not among them
 */
export function classIndex(caller: string, name: string, classNames: readonly string[]): number {
  const index = classNames.indexOf(name);
  if (index >= 0) return index;
  throw new RangeError(`${caller}: there is no class ${name}; expected one of ${classNames.join(', ')}.`);
}

/** @throws RangeError unless the model has an output for each class name */
export function checkClasses(caller: string, model: tf.LayersModel, classNames: readonly string[]): void {
  const classes = (model.outputShape as tf.Shape)[1];
  if (classes === classNames.length) return;
  throw new RangeError(
    `${caller}: there are ${classNames.length} class names; expected ${classes}, as many as ${model.name} tells apart.`,
  );
}

/** Whether a layer gives maps: [N, height, width, channels]. */
const hasMaps = ({ outputShape }: tf.layers.Layer): boolean => outputShape.length === 4;

/**
 * A layer of the model whose output is maps; where no name is given, the one that `choose` takes of them.
 * @throws RangeError when there is none of that name, or it gives no maps: the layers that do are listed
 */
export function layerWithMaps(
  caller: string,
  model: tf.LayersModel,
  name: string | undefined,
  choose: (layers: readonly tf.layers.Layer[]) => tf.layers.Layer,
): tf.layers.Layer {
  const layers = layersOf(model).filter(hasMaps);
  if (layers.length === 0) {
    throw new RangeError(`${caller}: no layer of ${model.name} gives maps of height × width; expected convolutions.`);
  }
  if (name === undefined) return choose(layers);
  const layer = layers.find((layer) => layer.name === name);
  if (layer) return layer;
  const exists = model.layers.some((layer) => layer.name === name);
  const problem = exists ? `the layer ${name} gives no maps of height × width` : `${model.name} has no layer ${name}`;
  throw new RangeError(`${caller}: ${problem}; expected one of ${layers.map(({ name }) => name).join(', ')}.`);
}
