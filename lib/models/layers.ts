import type * as tf from '@tensorflow/tfjs-node';

/** A model's layers, all but the input. */
export const layersOf = (model: tf.LayersModel): tf.layers.Layer[] =>
  model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
