import * as tf from '@tensorflow/tfjs-node';

/** What may change from step to step; scalars, so that a compiled step takes them as inputs. */
export interface SgdKnobs {
  readonly lr: tf.Scalar;
  readonly momentum: tf.Scalar;
  readonly weightDecay: tf.Scalar;
}

export interface Sgd {
  /** Moves the parameters once. */
  apply(gradients: tf.NamedTensorMap, knobs: SgdKnobs): void;
  /** One per parameter, in their order: the decaying sum of its gradients. */
  readonly velocities: readonly tf.Variable[];
  dispose(): void;
}

/**
 * Stochastic gradient descent with weight decay and momentum, as PyTorch's `torch.optim.SGD`:
 * g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·v. The decay takes in all parameters, biases and norms too.
 */
export function sgd(parameters: readonly tf.Variable[]): Sgd {
  const velocities = parameters.map((parameter) => tf.tidy(() => tf.variable(tf.zerosLike(parameter), false)));
  return {
    velocities,
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
    dispose: () => tf.dispose(velocities),
  };
}
