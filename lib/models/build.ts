// What the models are made of: rows of layers, PyTorch's initialisation.
import * as tf from '@tensorflow/tfjs-node';
import { random } from '../data/random';
import { randomUniform } from '../engine/ops/ops';
import { BatchNorm2d, Dropout2d } from './torchLayers';

/** Makes a layer under the name that the model gives it; null where an option switches it off. */
export type LayerMaker = { kind: string; make(name: string): tf.layers.Layer } | null;

const layer = (kind: string, make: (name: string) => tf.layers.Layer): LayerMaker => ({ kind, make });

/** Convolution 3×3 with padding 1: the area stays as it is. */
export const conv = (filters: number): LayerMaker =>
  layer('conv', (name) => tf.layers.conv2d({ name, filters, kernelSize: 3, padding: 'same', ...zeros }));
export const linearLayer = (units: number): LayerMaker =>
  layer('linear', (name) => tf.layers.dense({ name, units, ...zeros }));
export const relu = (): LayerMaker => layer('relu', (name) => tf.layers.reLU({ name }));
export const batchNorm = (isOn: boolean): LayerMaker =>
  isOn ? layer('norm', (name) => new BatchNorm2d({ name })) : null;
/** Halves height and width. */
export const maxPool = (): LayerMaker => layer('pool', (name) => tf.layers.maxPooling2d({ name, poolSize: 2 }));
export const dropout = (rate: number): LayerMaker => layer('dropout', (name) => new Dropout2d({ name, rate }));
export const flatten = (): LayerMaker => layer('flatten', (name) => tf.layers.flatten({ name }));

// `initialise` fills them.
const zeros = { kernelInitializer: 'zeros', biasInitializer: 'zeros' } as const;

/**
 * A model over images [N, 32, 32, 3], normalised to −1 to 1, from rows of layers. Layers are named by kind and number
 * (conv1, conv2, …), which is also what their random numbers depend on.
 * @param seed decides the initial weights
 */
export function buildModel(name: string, seed: number, rows: LayerMaker[][]): tf.Sequential {
  const model = tf.sequential({ name });
  model.add(tf.layers.inputLayer({ inputShape: [32, 32, 3], name: 'images' }));
  const counts = new Map<string, number>();
  for (const maker of rows.flat()) {
    if (!maker) continue;
    const number = (counts.get(maker.kind) ?? 0) + 1;
    counts.set(maker.kind, number);
    model.add(maker.make(`${maker.kind}${number}`));
  }
  initialize(model, seed);
  model.setUserDefinedMetadata({ [SEED]: seed });
  return model;
}

const SEED = 'seed of the initial weights';

/** The seed that a model was made with; undefined where the model is not one of `buildModel`'s. */
export function initialSeed(model: tf.LayersModel): number | undefined {
  const metadata = model.getUserDefinedMetadata() as Record<string, unknown> | undefined;
  return metadata?.[SEED] as number | undefined;
}

/**
 * Gives a model new weights, PyTorch's way: those of convolutions and linear layers, and their biases, uniform in
 * ±1/√fanIn (kaiming_uniform with a = √5); batch norms 1 and 0.
 */
export function initialize(model: tf.LayersModel, seed: number): void {
  const next = random(seed);
  tf.tidy(() => {
    for (const layer of model.layers) {
      const weights = layer.getWeights();
      if (weights.length === 0) continue;
      if (layer instanceof BatchNorm2d) {
        layer.setWeights([
          tf.onesLike(weights[0]),
          tf.zerosLike(weights[1]),
          tf.zerosLike(weights[2]),
          tf.onesLike(weights[3]),
        ]);
        continue;
      }
      const fanIn = weights[0].shape.slice(0, -1).reduce((a, b) => a * b, 1);
      const bound = 1 / Math.sqrt(fanIn);
      layer.setWeights(
        weights.map(({ shape }) => {
          const uniform = randomUniform(shape, tf.tensor1d([next() | 0, next() | 0], 'int32'));
          return tf.sub(tf.mul(uniform, 2 * bound), bound);
        }),
      );
    }
  });
}
