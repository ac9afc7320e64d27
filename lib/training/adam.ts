import * as tf from '@tensorflow/tfjs-node';
import type { NamedParameter } from '../models/stateDict';
import type { Optimizer } from './optimizer';

/** Share of the old in the mean of the squared gradients, and what keeps a division by 0 away: PyTorch's defaults. */
const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * Adam (Kingma and Ba 2014, arXiv 1412.6980), as PyTorch's `torch.optim.Adam`: each parameter has a step size of its own,
 * from the means of its gradients and of their squares. `momentum` is its β₁.
 * g ← g + weightDecay·w;  m ← β₁·m + (1 − β₁)·g;  s ← β₂·s + (1 − β₂)·g²;  t ← t + 1;
 * w ← w − lr · (m / (1 − β₁ᵗ)) / (√(s / (1 − β₂ᵗ)) + ε)
 */
export function adam(parameters: readonly tf.Variable[]): Optimizer {
  const zeros = () => parameters.map((parameter) => tf.tidy(() => tf.variable(tf.zerosLike(parameter), false)));
  const [means, squares] = [zeros(), zeros()];
  const steps = tf.tidy(() => tf.variable(tf.scalar(0), false));
  return {
    apply(gradients, { lr, momentum, weightDecay }) {
      tf.tidy(() => {
        const step = tf.add<tf.Scalar>(steps, 1);
        steps.assign(step);
        // The means begin at 0; these make up for it.
        const meanScale = tf.sub(1, tf.pow(momentum, step));
        const squareScale = tf.sub(1, tf.pow(tf.scalar(BETA2), step));
        parameters.forEach((parameter, index) =>
          tf.tidy(() => {
            const gradient = tf.add(gradients[parameter.name], tf.mul(parameter, weightDecay));
            const mean = tf.add(tf.mul(means[index], momentum), tf.mul(gradient, tf.sub(1, momentum)));
            const square = tf.add(tf.mul(squares[index], BETA2), tf.mul(tf.square(gradient), 1 - BETA2));
            means[index].assign(mean);
            squares[index].assign(square);
            const size = tf.add(tf.sqrt(tf.div(square, squareScale)), EPSILON);
            parameter.assign(tf.sub(parameter, tf.mul(tf.div(tf.div(mean, meanScale), size), lr)));
          }),
        );
      });
    },
    slots(learned) {
      const remembered = (variables: readonly tf.Variable[], suffix: string) =>
        learned.map((slot, index) => ({ ...slot, name: `${slot.name}.${suffix}`, variable: variables[index] }));
      return [...remembered(means, 'exp_avg'), ...remembered(squares, 'exp_avg_sq'), countSlot('step', steps)];
    },
    dispose: () => tf.dispose([...means, ...squares, steps]),
  };
}

const countSlot = (name: string, variable: tf.Variable): NamedParameter => ({
  name,
  variable,
  shape: [],
  trainable: false,
  toTorch: (values) => values.clone(),
  fromTorch: (values) => values.clone(),
});
