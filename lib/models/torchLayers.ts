// Layers with PyTorch's semantics, where tfjs's own differ.
import * as tf from '@tensorflow/tfjs-node';
import { batchNormTraining } from '../engine/ops/batchNorm';
import { randomUniform } from '../engine/ops/ops';
import { randomKey, foldIn } from '../engine/ops/random';

/** How a layer is called: `model.apply(x, { training: true, key })`. */
export interface CallOptions {
  /** Default: false. */
  readonly training?: boolean;
  /**
   * [2], int32: what this step's random numbers are a function of (see random.ts). Without it, as in `model.fit`, they are
   * other ones each time, and the call can't be compiled.
   */
  readonly key?: tf.Tensor1D;
}

type Kwargs = Parameters<tf.layers.Layer['call']>[1] & CallOptions;
type Inputs = tf.Tensor | tf.Tensor[];

const only = (inputs: Inputs): tf.Tensor => (Array.isArray(inputs) ? inputs[0] : inputs);
/** The one shape of a layer with one input or output. */
export const shapeOf = (shape: tf.Shape | tf.Shape[]): tf.Shape =>
  (Array.isArray(shape[0]) ? shape[0] : shape) as tf.Shape;

export interface BatchNorm2dOptions {
  readonly name?: string;
  /** Share of the batch in the running statistics. Default: 0.1 (PyTorch's meaning; in Keras's it would be 0.9). */
  readonly momentum?: number;
  /** Added to the variance. Default: 1e-5. */
  readonly epsilon?: number;
}

/**
 * Batch normalisation over N, H and W, as in Ioffe and Szegedy 2015 and PyTorch's BatchNorm2d: the running variance is the
 * unbiased one; evaluation uses the running statistics.
 */
export class BatchNorm2d extends tf.layers.Layer {
  static readonly className = 'BatchNorm2d';
  private readonly momentum: number;
  private readonly epsilon: number;
  private gamma!: tf.LayerVariable;
  private beta!: tf.LayerVariable;
  private runningMean!: tf.LayerVariable;
  private runningVar!: tf.LayerVariable;

  constructor({ name, momentum = 0.1, epsilon = 1e-5 }: BatchNorm2dOptions = {}) {
    super({ name });
    this.momentum = momentum;
    this.epsilon = epsilon;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const channels = shapeOf(inputShape).slice(-1);
    const weight = (name: string, initializer: 'ones' | 'zeros', trainable: boolean) =>
      this.addWeight(name, channels, 'float32', tf.initializers[initializer](), undefined, trainable);
    this.gamma = weight('gamma', 'ones', true);
    this.beta = weight('beta', 'zeros', true);
    this.runningMean = weight('runningMean', 'zeros', false);
    this.runningVar = weight('runningVar', 'ones', false);
    this.built = true;
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return shapeOf(inputShape);
  }

  override call(inputs: Inputs, { training = false }: Kwargs): tf.Tensor {
    return tf.tidy(() => {
      const x = only(inputs) as tf.Tensor4D;
      const [gamma, beta, mean, variance] = [this.gamma, this.beta, this.runningMean, this.runningVar].map(
        (weight) => weight.read() as tf.Tensor1D,
      );
      if (!training) return tf.batchNorm(x, mean, variance, beta, gamma, this.epsilon);
      return batchNormTraining(
        x,
        gamma,
        beta,
        { mean, variance },
        { epsilon: this.epsilon, momentum: this.momentum },
        (running) => {
          this.runningMean.write(running.mean);
          this.runningVar.write(running.variance);
        },
      );
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), momentum: this.momentum, epsilon: this.epsilon };
  }
}

export interface Dropout2dOptions {
  readonly name?: string;
  /** Share of the channels that are dropped, 0 to below 1. */
  readonly rate: number;
}

/**
 * Drops whole channels while training and scales the others by 1/(1 − rate), as in Tompson et al. 2015 and PyTorch's
 * Dropout2d. The mask is a function of the call's `key` and the layer's name. The rate is a variable, so that it can be
 * changed while a compiled model trains.
 */
export class Dropout2d extends tf.layers.Layer {
  static readonly className = 'Dropout2d';
  private readonly rateVariable: tf.Variable<tf.Rank.R0>;

  constructor({ name, rate }: Dropout2dOptions) {
    super({ name });
    this.rateVariable = tf.tidy(() => tf.variable(tf.scalar(checkRate(rate)), false));
  }

  get rate(): number {
    return this.rateVariable.dataSync()[0];
  }

  set rate(rate: number) {
    tf.tidy(() => this.rateVariable.assign(tf.scalar(checkRate(rate))));
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return shapeOf(inputShape);
  }

  override call(inputs: Inputs, { training = false, key }: Kwargs): tf.Tensor {
    const x = only(inputs);
    if (!training) return x.clone();
    return tf.tidy(() => {
      const [batch, , , channels] = x.shape;
      const uniform = randomUniform([batch, 1, 1, channels], foldIn(key ?? randomKey(), this.name));
      const mask = tf.cast(tf.greaterEqual(uniform, this.rateVariable), 'float32');
      return tf.mul(x, tf.div(mask, tf.sub(1, this.rateVariable)));
    });
  }

  override dispose(): ReturnType<tf.layers.Layer['dispose']> {
    const result = super.dispose();
    if (result.refCountAfterDispose === 0) this.rateVariable.dispose();
    return result;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), rate: this.rate };
  }
}

/**
 * Gives all of a model's Dropout2d layers one rate, between two steps of a training too.
 * @throws RangeError when it is not from 0 to below 1
 */
export function setDropout(model: tf.LayersModel, rate: number): void {
  for (const layer of model.layers) if (layer instanceof Dropout2d) layer.rate = rate;
}

function checkRate(rate: number): number {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout rate: ${rate}; expected a number from 0 to below 1.`);
  return rate;
}

tf.serialization.registerClass(BatchNorm2d);
tf.serialization.registerClass(Dropout2d);
