import * as tf from '@tensorflow/tfjs-node';
import { sgdUpdate } from '../engine/ops/ops';
import type { Optimizer } from './optimizer';

/**
 * Stochastic gradient descent with weight decay and momentum, as PyTorch's `torch.optim.SGD`:
 * g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·v. The decay takes in all parameters, biases and norms too. A
 * step with momentum 0 leaves v alone.
 */
export function sgd(parameters: readonly tf.Variable[]): Optimizer {
  /** The decaying sums of the gradients. */
  const velocities = parameters.map((parameter) => tf.tidy(() => tf.variable(tf.zerosLike(parameter), false)));
  return {
    apply(gradients, knobs) {
      parameters.forEach((parameter, index) =>
        tf.tidy(() => {
          const [next, velocity] = sgdUpdate(parameter, velocities[index], gradients[parameter.name], knobs);
          velocities[index].assign(velocity);
          parameter.assign(next);
        }),
      );
    },
    slots: (learned) => learned.map((slot, index) => ({ ...slot, variable: velocities[index] })),
    dispose: () => tf.dispose(velocities),
  };
}
