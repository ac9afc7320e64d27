import * as tf from '@tensorflow/tfjs-node';
import type { Optimizer } from './optimizer';

/**
 * Stochastic gradient descent with weight decay and momentum, as PyTorch's `torch.optim.SGD`:
 * g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·v. The decay takes in all parameters, biases and norms too.
 */
export function sgd(parameters: readonly tf.Variable[]): Optimizer {
  /** The decaying sums of the gradients. */
  const velocities = parameters.map((parameter) => tf.tidy(() => tf.variable(tf.zerosLike(parameter), false)));
  return {
    apply(gradients, { lr, momentum, weightDecay }) {
      parameters.forEach((parameter, index) =>
        tf.tidy(() => {
          const gradient = tf.add(gradients[parameter.name], tf.mul(parameter, weightDecay));
          const velocity = tf.add(tf.mul(velocities[index], momentum), gradient);
          velocities[index].assign(velocity);
          parameter.assign(tf.sub(parameter, tf.mul(velocity, lr)));
        }),
      );
    },
    slots: (learned) => learned.map((slot, index) => ({ ...slot, variable: velocities[index] })),
    dispose: () => tf.dispose(velocities),
  };
}
