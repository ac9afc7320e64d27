import * as tf from '@tensorflow/tfjs-node';
import { mapGrid } from '../charts/maps';
import type { Figure } from '../charts/theme';
import { subset, type Split } from '../data/dataset';
import { readOptions, type Rules, wholeNumber } from '../util/options';
import { checkImage, checkNumbers, classNameOf, layerWithMaps, mapLayers } from './checks';
import { layerMaps } from './layerMaps';

export interface ActivationOptions {
  /** Which image of the split. Default: 0. */
  readonly image: number;
  /** A layer that gives maps, by its name in the summary. Default: the first ReLU. */
  readonly layer: string | undefined;
  /** How many maps, at most; where there are more, those of the largest mean. Default: 32. */
  readonly count: number;
}

const rules: Rules<ActivationOptions> = {
  image: wholeNumber(0),
  layer: { default: undefined, expected: 'the name of a layer', accepts: (value) => typeof value === 'string' },
  count: wholeNumber(32, 1),
};

/**
 * What a layer makes of an image: each of its channels as a map of where it found what it looks for, numbered as in the
 * layer, on one colour scale.
 * @throws RangeError for an image, a layer or an option that there is not, with what there is, and for a model whose training
 *   has diverged
 */
export function activations(
  model: tf.LayersModel,
  split: Split,
  classNames: readonly string[],
  options: Partial<ActivationOptions> = {},
): Figure {
  const { image, layer: name, count } = readOptions('activations', rules, options);
  checkImage('activations', split, image);
  const layer = layerWithMaps('activations', model, name ?? firstLayer(model)?.name);
  const only = subset(split, [image]);
  const { values, numbers, height, width, channels } = strongestMaps(layerMaps(model, layer, only), count);
  const shown = numbers.length < channels ? `the ${numbers.length} strongest of ${channels} maps` : `${channels} maps`;
  return mapGrid(
    { values, count: numbers.length, height, width },
    {
      image: only.images,
      title: `${layer.name}, ${shown} of ${height} × ${width}: image ${image}, ${classNameOf('activations', only.labels[0], classNames)}`,
      numbers,
      unit: 'activation',
    },
  );
}

/** The first ReLU over maps, or where there is none the first layer that gives maps. */
function firstLayer(model: tf.LayersModel): tf.layers.Layer | undefined {
  const layers = mapLayers(model);
  return layers.find((layer) => layer.getClassName() === 'ReLU') ?? layers.at(0);
}

/** Channels as maps, in their order; where there are more than `count`, those of the largest mean. Frees `maps`. */
function strongestMaps(maps: tf.Tensor4D, count: number) {
  const [, height, width, channels] = maps.shape;
  const [means, all] = tf.tidy(() => [
    tf.mean(maps, [0, 1, 2]).dataSync<'float32'>(),
    tf.transpose(maps, [3, 1, 2, 0]).dataSync<'float32'>(),
  ]);
  maps.dispose();
  checkNumbers('activations', 'activations', all);
  const numbers = [...means.keys()]
    .sort((a, b) => means[b] - means[a])
    .slice(0, count)
    .sort((a, b) => a - b);
  const values = new Float32Array(numbers.length * height * width);
  numbers.forEach((number, index) => {
    values.set(all.subarray(number * height * width, (number + 1) * height * width), index * height * width);
  });
  return { values, numbers, height, width, channels };
}
