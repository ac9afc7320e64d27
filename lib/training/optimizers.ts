// How gradients become steps. An optimizer is a value: formulas for one parameter, and hyperparameters that are numbers or
// functions of progress. Write your own like these; train, checkpoints and the learning-rate finder take it as it is.
import * as tf from '@tensorflow/tfjs-node';
import { sgdUpdate } from '../engine/ops/ops';
import { checkHyperparameters, type Hyperparameter } from '../util/hyperparameters';

/** The tensors of one parameter: itself, its gradient, and what the optimizer remembers of it. */
export type ParameterTensors<Slot extends string = string> = Readonly<
  Record<'parameter' | 'gradient' | Slot, tf.Tensor>
>;

/** Hyperparameters at a step, and the number of the step in the run, from 1; scalars, fed anew at each step. */
export type Scalars<Name extends string = string> = Readonly<Record<Name | 'step', tf.Scalar>>;

export interface Optimizer {
  readonly name: string;
  /** Numbers, or functions of progress; each arrives in `update` as a scalar of its name. */
  readonly hyperparameters: Readonly<Record<'lr', Hyperparameter>> & Readonly<Record<string, Hyperparameter>>;
  /** State kept per parameter from step to step: tensors of its shape, 0 at the start. */
  readonly slots?: readonly string[];
  /**
   * Moves one parameter once. Part of the compiled step: tensors in, tensors out.
   * @returns the new parameter and the new slots, under the same names
   */
  update(this: void, tensors: ParameterTensors, scalars: Scalars): Readonly<Record<string, tf.Tensor>>;
}

/** What a group of parameters is chosen by. */
export interface ParameterInfo {
  /** PyTorch's name, such as `network.3.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** An optimizer for some of the parameters. */
export interface ParameterGroup {
  /** Which parameters; left out: all that no earlier group takes. */
  readonly where?: (parameter: ParameterInfo) => boolean;
  readonly use: Optimizer;
}

/** Biases, and the scales and shifts of norms: what weight decay is often kept from. */
export const isBiasOrNorm = ({ shape }: ParameterInfo): boolean => shape.length === 1;

export interface SgdOptions {
  /** Learning rate. Default: 0.1. */
  readonly lr?: Hyperparameter;
  /** Fraction of the previous velocity that is kept, in [0, 1). Default: 0. */
  readonly momentum?: Hyperparameter;
  /** Whether the gradient is taken where the momentum leads (Nesterov). Default: false. */
  readonly nesterov?: boolean;
  /** L2 penalty: weightDecay·w is added to the gradient. Default: 0. */
  readonly weightDecay?: Hyperparameter;
}

/**
 * Stochastic gradient descent with momentum, as PyTorch's `torch.optim.SGD`:
 * g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·v, with Nesterov w ← w − lr·(g + momentum·v).
 * The decay takes in all parameters, biases and norms too. A step with momentum 0 leaves v alone.
 * @throws RangeError for a hyperparameter that is not allowed
 */
export function sgd({ lr = 0.1, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions = {}): Optimizer {
  return {
    name: nesterov ? 'sgd (Nesterov)' : 'sgd',
    hyperparameters: checkHyperparameters('sgd', { lr, momentum, weightDecay }, { momentum: { below: 1 } }),
    slots: ['momentum_buffer'],
    update({ parameter, gradient, momentum_buffer }, { lr, momentum, weightDecay }) {
      const knobs = { lr, momentum, weightDecay, nesterov };
      const [next, velocity] = sgdUpdate(parameter, momentum_buffer, gradient, knobs);
      return { parameter: next, momentum_buffer: velocity };
    },
  };
}

export interface AdamOptions {
  /** Learning rate. Default: 0.001. */
  readonly lr?: Hyperparameter;
  /** Share of the old in the mean of the gradients, in [0, 1). Default: 0.9. */
  readonly beta1?: Hyperparameter;
  /** Share of the old in the mean of their squares, in [0, 1). Default: 0.999. */
  readonly beta2?: Hyperparameter;
  /** Avoids division by zero. Default: 1e-8. */
  readonly epsilon?: Hyperparameter;
  /** Pull towards 0. Default: 0; 0.01 for adamW. */
  readonly weightDecay?: Hyperparameter;
}

/**
 * Adam (Kingma and Ba 2014, arXiv 1412.6980), as PyTorch's `torch.optim.Adam`: each number has a step size of its own.
 * g ← g + weightDecay·w;  m ← β₁·m + (1 − β₁)·g;  s ← β₂·s + (1 − β₂)·g²;
 * w ← w − lr · (m / (1 − β₁ᵗ)) / (√(s / (1 − β₂ᵗ)) + ε)
 * @throws RangeError for a hyperparameter that is not allowed
 */
export const adam = (options: AdamOptions = {}): Optimizer => ({
  ...adamParts('adam', options, 0),
  update({ parameter, gradient, exp_avg, exp_avg_sq }, scalars) {
    const decayed = tf.add(gradient, tf.mul(parameter, scalars.weightDecay));
    return adamStep({ parameter, gradient: decayed, exp_avg, exp_avg_sq }, scalars);
  },
});

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2017, arXiv 1711.05101), as PyTorch's `torch.optim.AdamW`:
 * w ← w − lr·weightDecay·w, then Adam's step without decay.
 * @throws RangeError for a hyperparameter that is not allowed
 */
export const adamW = (options: AdamOptions = {}): Optimizer => ({
  ...adamParts('adamW', options, 0.01),
  update({ parameter, gradient, exp_avg, exp_avg_sq }, scalars) {
    const decayed = tf.mul(parameter, tf.sub(1, tf.mul(scalars.lr, scalars.weightDecay)));
    return adamStep({ parameter: decayed, gradient, exp_avg, exp_avg_sq }, scalars);
  },
});

function adamParts(
  name: string,
  { lr = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay: given }: AdamOptions,
  decay: number,
): Pick<Optimizer, 'name' | 'hyperparameters' | 'slots'> {
  const values = { lr, beta1, beta2, epsilon, weightDecay: given ?? decay };
  return {
    name,
    hyperparameters: checkHyperparameters(name, values, { beta1: { below: 1 }, beta2: { below: 1 } }),
    slots: ['exp_avg', 'exp_avg_sq'],
  };
}

function adamStep({ parameter, gradient, exp_avg, exp_avg_sq }: ParameterTensors, scalars: Scalars) {
  const { lr, beta1, beta2, epsilon, step } = scalars;
  const mean = tf.add(tf.mul(exp_avg, beta1), tf.mul(gradient, tf.sub(1, beta1)));
  const square = tf.add(tf.mul(exp_avg_sq, beta2), tf.mul(tf.square(gradient), tf.sub(1, beta2)));
  // Both means start at 0; these divisors make up for it.
  const unbiasedMean = tf.div(mean, tf.sub(1, tf.pow(beta1, step)));
  const unbiasedSquare = tf.div(square, tf.sub(1, tf.pow(beta2, step)));
  const next = tf.sub(parameter, tf.mul(lr, tf.div(unbiasedMean, tf.add(tf.sqrt(unbiasedSquare), epsilon))));
  return { parameter: next, exp_avg: mean, exp_avg_sq: square };
}
