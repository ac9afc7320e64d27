import type * as tf from '@tensorflow/tfjs-node';
import { adam } from './adam';
import type { Optimizer } from './optimizer';
import { sgd } from './sgd';

/** The optimisers that `train` knows by name. */
export const optimizers = { sgd, adam } satisfies Record<string, (parameters: readonly tf.Variable[]) => Optimizer>;

export type OptimizerName = keyof typeof optimizers;
