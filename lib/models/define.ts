// From a list of layers to a model: names, initial weights, and what the model remembers of how it was made.
import * as tf from '@tensorflow/tfjs-node';
import { normalize } from '../data/augment';
import { random } from '../data/random';
import { freeWithOwner, liveVariables } from '../engine/backend';
import { randomUniform } from '../engine/ops/ops';
import { isNumberIn, readOptions, type Rules, sizes, wholeNumber } from '../util/options';
import { type Layer, type Layers, type Place, sequential } from './layers';

/** Images [0, 255] become (x / 255 − mean) / std: one number, or one for each channel. A data set has both. */
export interface Normalization {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/** What any network can be told. */
export interface ModelOptions {
  /** Height, width and channels of the images. Default: [32, 32, 3]. */
  readonly inputShape: readonly [height: number, width: number, channels: number];
  /** Decides the initial weights. Default: 0. */
  readonly seed: number;
  /** Of the images, before the first layer. Default: mean and std 0.5, which make −1 to 1. */
  readonly normalization: Normalization;
}

const isEach = (value: unknown, accepts: (each: unknown) => boolean): boolean => [value].flat().every(accepts);

const modelRules: Rules<ModelOptions> = {
  inputShape: {
    default: [32, 32, 3],
    expected: '[height, width, channels], three integers ≥ 1',
    accepts: (value) =>
      Array.isArray(value) && value.length === 3 && value.every((size) => Number.isSafeInteger(size) && size >= 1),
  },
  seed: wholeNumber(0),
  normalization: {
    default: { mean: 0.5, std: 0.5 },
    expected: '{ mean, std }, each one number or one for each channel (a data set has both), with a std above 0',
    accepts: (value) => {
      const { mean, std } = (value ?? {}) as Partial<Normalization>;
      return isEach(mean, (each) => Number.isFinite(each)) && isEach(std, (each) => isNumberIn(each, Number.MIN_VALUE));
    },
  },
};

/** The options of the course's networks. */
export interface NetworkOptions<Widths extends readonly number[]> extends ModelOptions {
  /** Channels or units of the layers that the network's own description names. */
  readonly widths: Widths;
  /** Default: 10. */
  readonly classes: number;
}

export const networkRules = <Widths extends readonly number[]>(widths: Widths): Rules<NetworkOptions<Widths>> => ({
  widths: sizes(widths),
  classes: wholeNumber(10, 1),
  ...modelRules,
});

/** How a model was made. */
export interface Definition {
  readonly seed: number;
  readonly normalization: Normalization;
  /** PyTorch's path of each layer: `{ conv1: 'network.0', … }`. */
  readonly paths: Readonly<Record<string, string>>;
}

/**
 * A network from its layers:
 *
 *     defineModel('small', { seed: 1 }, [
 *       [conv(32), batchNorm(), relu(), maxPool()], // [N, 16, 16, 32]
 *       [flatten(), linearLayer(10)], //              [N, 10] logits
 *     ]);
 *
 * Layers are named by kind and number (conv1, conv2, …). In files, weights have the names that PyTorch gives them in a module
 * whose only member is `network = nn.Sequential(…)`: network.0.weight. Members with other names: `{ stem: [conv(32), relu()],
 * head: [flatten(), linearLayer(10)] }`, one after another, give stem.0.weight and head.1.weight.
 * A model that nobody holds any more is freed in time; `model.dispose()` frees it at once.
 * @returns images [N, H, W, C], normalized, in; what the last layer gives out
 * @throws RangeError when an option is unknown or impossible; Error when a layer does not fit on the one before
 */
export function defineModel(
  name: string,
  options: Partial<ModelOptions>,
  layers: Layers | Readonly<Record<string, Layer | Layers>>,
): tf.LayersModel {
  const { inputShape, seed, normalization } = readOptions(name, modelRules, options);
  for (const [key, value] of Object.entries(normalization)) {
    const each = [value].flat();
    if (each.length === 1 || each.length === inputShape[2]) continue;
    throw new RangeError(
      `${name}: normalization.${key} has ${each.length} numbers; expected one, or one for each of ${inputShape[2]} channels.`,
    );
  }
  const counts = new Map<string, number>();
  const paths: Record<string, string> = {};
  const placeAt = (path: string): Place => ({
    name: (kind) => {
      const number = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, number);
      paths[`${kind}${number}`] = path;
      return `${kind}${number}`;
    },
    inside: (key) => placeAt(path === '' ? String(key) : `${path}.${key}`),
  });
  const others = new Set(liveVariables());
  const inputs = tf.input({ shape: [...inputShape], name: 'images' });
  const members = Array.isArray(layers) ? { network: layers } : layers;
  const outputs = Object.entries(members as Record<string, Layer | Layers>).reduce(
    (x, [key, member]) => (typeof member === 'function' ? member : sequential(member))(x, placeAt(key)),
    inputs,
  );
  const model = tf.model({ name, inputs, outputs });
  initialize(model, seed);
  const { mean, std } = normalization;
  const definition: Definition = { seed, normalization: { mean, std }, paths };
  model.setUserDefinedMetadata({ definition });
  freeWithOwner(
    model,
    liveVariables().filter((variable) => !others.has(variable)),
  );
  return model;
}

/** How `defineModel` made a model; undefined for other models. Saved with the model and loaded again. */
export const definitionOf = (model: tf.LayersModel): Definition | undefined =>
  (model.getUserDefinedMetadata() as { definition?: Definition } | undefined)?.definition;

/** The seed of `defineModel`; undefined for other models. */
export const initialSeed = (model: tf.LayersModel): number | undefined => definitionOf(model)?.seed;

/**
 * Images as a model wants them, by its own normalization (of another's model: to −1 to 1).
 * @param images uint8, or any type with values in [0, 255], [N, H, W, C]
 * @returns float32
 */
export const normalizeFor = (model: tf.LayersModel, images: tf.Tensor): tf.Tensor =>
  normalize(images, definitionOf(model)?.normalization);

// By tfjs's names of weights.
const CONSTANTS: Readonly<Record<string, number>> = {
  ...{ gamma: 1, beta: 0, runningMean: 0, runningVar: 1, moving_mean: 0, moving_variance: 1 },
};
const KERNELS = ['kernel', 'depthwise_kernel', 'pointwise_kernel'];

/** The name of a weight within its layer: kernel, bias, gamma, … */
export const weightName = ({ originalName }: tf.LayerVariable): string =>
  originalName.slice(originalName.lastIndexOf('/') + 1);

/**
 * Gives a model new weights, PyTorch's way, those of nested models too: kernels of convolutions and linear layers, and their
 * biases, uniform in ±1/√fanIn (kaiming_uniform with a = √5); batch norms 1 and 0. Weights of other layers stay as they are.
 */
export function initialize(model: tf.LayersModel, seed: number): void {
  const next = random(seed);
  let bound: number | undefined;
  const initial = (name: string, shape: number[]): tf.Tensor | undefined => {
    if (name in CONSTANTS) return tf.fill(shape, CONSTANTS[name]);
    if (KERNELS.includes(name)) {
      const fanIn = shape.slice(0, name === 'depthwise_kernel' ? 2 : -1).reduce((a, b) => a * b, 1);
      bound = 1 / Math.sqrt(fanIn);
    } else if (name !== 'bias') return undefined;
    if (bound === undefined) return undefined;
    const uniform = randomUniform(shape, tf.tensor1d([next() | 0, next() | 0], 'int32'));
    return tf.sub(tf.mul(uniform, 2 * bound), bound);
  };
  for (const { weights } of model.layers) {
    bound = undefined;
    for (const weight of weights) {
      tf.tidy(() => {
        const value = initial(weightName(weight), weight.shape as number[]);
        if (value) weight.write(value);
      });
    }
  }
}

/** A model's layers, all but the input. */
export const layersOf = (model: tf.LayersModel): tf.layers.Layer[] =>
  model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');

/** The shape that a layer with one input or output has there. */
export const shapeOf = (shape: tf.Shape | tf.Shape[]): tf.Shape =>
  (Array.isArray(shape[0]) ? shape[0] : shape) as tf.Shape;

/** The uses of a layer in a model: it may be shared with other models. */
export function nodesIn(model: tf.LayersModel, layer: tf.layers.Layer): tf.layers.Layer['inboundNodes'] {
  const own = new Set([...model.layers, ...model.inputs.map(({ sourceLayer }) => sourceLayer)]);
  return layer.inboundNodes.filter(({ inboundLayers: from }) => from.length > 0 && from.every((each) => own.has(each)));
}

/** The layers of a model that feed one of its layers. */
export const inputsOf = (model: tf.LayersModel, layer: tf.layers.Layer): tf.layers.Layer[] =>
  nodesIn(model, layer).flatMap(({ inboundLayers }) => inboundLayers);
