import * as tf from '@tensorflow/tfjs-node';
import type { FeatureMaps } from '../charts/maps';
import { type Split, subset } from '../data/dataset';
import { readOptions, type Rules, wholeNumber } from '../util/options';
import { checkImage, checkNumbers, layerWithMaps } from './checks';
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
 * What a layer makes of an image: each of its channels as a map of where it found what it looks for. `mapGrid` draws it.
 * @throws RangeError for an image, layer or option that does not exist, with those that do, and for a model whose training
 *   has diverged
 */
export function activations(
  model: tf.LayersModel,
  split: Split,
  options: Partial<ActivationOptions> = {},
): FeatureMaps {
  const { image, layer: name, count } = readOptions('activations', rules, options);
  checkImage('activations', split, image);
  const layer = layerWithMaps('activations', model, name, firstRelu);
  const only = subset(split, [image]);
  const maps = layerMaps(model, layer, only);
  const [, height, width, total] = maps.shape;
  const [means, all] = tf.tidy(() => [
    tf.mean(maps, [0, 1, 2]).dataSync<'float32'>(),
    tf.transpose(maps, [3, 1, 2, 0]).dataSync<'float32'>(),
  ]);
  maps.dispose();
  checkNumbers('activations', 'activations', all);
  const channels = [...means.keys()]
    .sort((a, b) => means[b] - means[a])
    .slice(0, count)
    .sort((a, b) => a - b);
  const size = height * width;
  const values = new Float32Array(channels.length * size);
  channels.forEach((channel, i) => values.set(all.subarray(channel * size, (channel + 1) * size), i * size));
  const label = split.classNames[only.labels[0]];
  return { layer: layer.name, values, height, width, channels, total, image: only, name: `image ${image}, ${label}` };
}

const firstRelu = (layers: readonly tf.layers.Layer[]) =>
  layers.find((layer) => layer.getClassName() === 'ReLU') ?? layers[0];
