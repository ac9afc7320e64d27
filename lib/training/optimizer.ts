import type * as tf from '@tensorflow/tfjs-node';
import type { NamedParameter } from '../models/stateDict';

/** What may change from step to step; scalars, so that a compiled step takes them as inputs. */
export interface OptimizerKnobs {
  readonly lr: tf.Scalar;
  readonly momentum: tf.Scalar;
  readonly weightDecay: tf.Scalar;
}

/** Turns gradients into new parameters. */
export interface Optimizer {
  /** Moves the parameters once. */
  apply(gradients: tf.NamedTensorMap, knobs: OptimizerKnobs): void;
  /**
   * What it remembers from step to step, for a checkpoint.
   * @param learned the model's slots of the same parameters, in the same order
   */
  slots(learned: readonly NamedParameter[]): NamedParameter[];
  dispose(): void;
}
