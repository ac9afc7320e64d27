// The layers that networks are made of, with PyTorch's semantics. Each is a value: a function that puts it on top of what
// comes before. The first part is for reading a network; what the layers are made of stands below.
import * as tf from '@tensorflow/tfjs-node';
import { batchNormTraining } from '../engine/ops/batchNorm';
import { randomUniform } from '../engine/ops/ops';
import { foldIn, randomKey } from '../engine/ops/random';

/** Puts itself on top of `input`. */
export type Layer = (input: tf.SymbolicTensor, place: Place) => tf.SymbolicTensor;

/** Layers one after another. Rows in brackets are for the eye only; what an option switches off is null. */
export type Layers = readonly (Layer | Layers | null)[];

/** Where a layer stands in its network. */
export interface Place {
  /** A tfjs layer's name, by its kind and its number in the network: conv1, conv2, … Its weights get PyTorch's names by its place. */
  name(kind: string): string;
  /** A place in this one: `network.4` has `network.4.0`. */
  inside(key: string | number): Place;
}

/** A layer from any tfjs layer: `layer('swish', (name) => new Swish({ name }))`. Its name is what its random numbers depend on. */
export const layer =
  (kind: string, make: (name: string) => tf.layers.Layer): Layer =>
  (input, place) =>
    make(place.name(kind)).apply(input) as tf.SymbolicTensor;

export interface ConvOptions {
  /** Height and width of the filters. Default: 3. */
  readonly kernel?: number;
  /** Default: 1. */
  readonly stride?: number;
  /** Zeros on each of the four sides. Default: as many as keep the area for an odd kernel, so 1 for 3 × 3. */
  readonly padding?: number;
  /** Default: true. */
  readonly bias?: boolean;
}

/** Convolution over [N, H, W, C], as PyTorch's Conv2d. */
export const conv =
  (
    filters: number,
    { kernel = 3, stride = 1, padding = Math.floor((kernel - 1) / 2), bias = true }: ConvOptions = {},
  ): Layer =>
  (input, place) => {
    // tfjs's “same” is this padding only for a stride of 1.
    const isSame = stride === 1 && 2 * padding === kernel - 1;
    const pad = layer('pad', (name) => tf.layers.zeroPadding2d({ name, padding }));
    const convolve = layer('conv', (name) =>
      tf.layers.conv2d({
        name,
        filters,
        kernelSize: kernel,
        strides: stride,
        padding: isSame ? 'same' : 'valid',
        useBias: bias,
        ...zeros,
      }),
    );
    return convolve(isSame || padding === 0 ? input : pad(input, place), place);
  };

/** Fully connected layer over [N, features], as PyTorch's Linear. */
export const linearLayer = (units: number, { bias = true }: { readonly bias?: boolean } = {}): Layer =>
  layer('linear', (name) => tf.layers.dense({ name, units, useBias: bias, ...zeros }));

// Until `initialize` fills them.
const zeros = { kernelInitializer: 'zeros', biasInitializer: 'zeros' } as const;

/** Batch normalization of [N, H, W, C] or [N, C] per channel, as PyTorch's BatchNorm2d and BatchNorm1d. */
export const batchNorm = (options: Omit<BatchNormOptions, 'name'> = {}): Layer =>
  layer('norm', (name) => new BatchNorm({ ...options, name }));

/** Drops single values while training, as PyTorch's Dropout. @param rate share of the values, in [0, 1) */
export const dropout = (rate = 0.5): Layer => layer('dropout', (name) => new KeyedDropout({ name, rate }));

/** Drops whole channels of [N, H, W, C] while training, as PyTorch's Dropout2d. @param rate share of the channels, in [0, 1) */
export const dropout2d = (rate = 0.5): Layer => layer('dropout', (name) => new Dropout2d({ name, rate }));

/** The largest value of each `size` × `size` pixels: height and width are divided by `size`. */
export const maxPool = (size = 2): Layer =>
  layer('pool', (name) => tf.layers.maxPooling2d({ name, poolSize: size, strides: size }));

/** The mean of each channel: [N, H, W, C] → [N, C]. */
export const globalAveragePool = (): Layer => layer('pool', (name) => tf.layers.globalAveragePooling2d({ name }));

export const relu = (): Layer => layer('relu', (name) => tf.layers.reLU({ name }));

/** x·Φ(x) with the exact normal distribution, as in Hendrycks and Gimpel 2016 and PyTorch's GELU. */
export const gelu = (): Layer => layer('gelu', (name) => tf.layers.activation({ name, activation: 'gelu' }));

/** [N, H, W, C] → [N, H·W·C]. */
export const flatten = (): Layer => layer('flatten', (name) => tf.layers.flatten({ name }));

/** Multiplies by a constant. */
export const scale = (factor: number): Layer => layer('scale', (name) => tf.layers.rescaling({ name, scale: factor }));

/** Layers one after another, as PyTorch's Sequential: their weights are named by their places in it. */
export const sequential =
  (layers: Layers): Layer =>
  (input, place) =>
    flat(layers).reduce((x, each, index) => each(x, place.inside(index)), input);

const flat = (layers: Layers): Layer[] =>
  layers.flatMap((each) => (each === null ? [] : typeof each === 'function' ? [each] : flat(each)));

/**
 * x + layers(x), as in He et al. 2015. In PyTorch: `class Residual(nn.Sequential)` with
 * `def forward(self, x): return x + super().forward(x)`.
 * @throws Error when the layers change the shape
 */
export const residual =
  (layers: Layers): Layer =>
  (input, place) => {
    const output = sequential(layers)(input, place);
    if (String(input.shape) !== String(output.shape)) {
      const [from, to] = [input, output].map(({ shape }) => `[${shape.map((size) => size ?? 'N').join(', ')}]`);
      throw new Error(
        `residual: its layers turn ${from} into ${to}; expected the same shape, so that both can be added.`,
      );
    }
    return tf.layers.add({ name: place.name('add') }).apply([input, output]) as tf.SymbolicTensor;
  };

/** How a model or a layer is called: `model.apply(x, { training: true, key })`. */
export interface CallOptions {
  /** Default: false. */
  readonly training?: boolean;
  /**
   * [2], int32: what this step's random numbers are a function of (see `foldIn`). Without it, as in `model.fit`, they are
   * others each time, and the call can't be compiled.
   */
  readonly key?: tf.Tensor1D;
}

type Kwargs = Parameters<tf.layers.Layer['call']>[1] & CallOptions;
type Inputs = tf.Tensor | tf.Tensor[];

const only = (inputs: Inputs): tf.Tensor => (Array.isArray(inputs) ? inputs[0] : inputs);

export interface BatchNormOptions {
  readonly name?: string;
  /** Share of the batch in the running statistics. Default: 0.1 (PyTorch's meaning; in Keras's it would be 0.9). */
  readonly momentum?: number;
  /** Added to the variance. Default: 1e-5. */
  readonly epsilon?: number;
}

/**
 * Batch normalization over all axes but the last, as in Ioffe and Szegedy 2015 and PyTorch: the running variance is the
 * unbiased one; evaluation uses the running statistics.
 */
export class BatchNorm extends tf.layers.Layer {
  static readonly className = 'BatchNorm';
  private readonly settings: Required<Omit<BatchNormOptions, 'name'>>;
  private variables: tf.LayerVariable[] = [];

  constructor({ name, momentum = 0.1, epsilon = 1e-5 }: BatchNormOptions = {}) {
    super({ name });
    this.settings = { momentum, epsilon };
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    const channels = (inputShape as tf.Shape).slice(-1);
    const weight = (name: string, initializer: 'ones' | 'zeros', trainable: boolean) =>
      this.addWeight(name, channels, 'float32', tf.initializers[initializer](), undefined, trainable);
    this.variables = [
      weight('gamma', 'ones', true),
      weight('beta', 'zeros', true),
      weight('runningMean', 'zeros', false),
      weight('runningVar', 'ones', false),
    ];
    this.built = true;
  }

  override call(inputs: Inputs, { training = false }: Kwargs): tf.Tensor {
    return tf.tidy(() => {
      const x = only(inputs);
      const [gamma, beta, mean, variance] = this.variables.map((weight) => weight.read() as tf.Tensor1D);
      if (!training) return tf.batchNorm(x as tf.Tensor4D, mean, variance, beta, gamma, this.settings.epsilon);
      const maps = (x.rank === 2 ? tf.reshape(x, [-1, 1, 1, x.shape.at(-1) as number]) : x) as tf.Tensor4D;
      const y = batchNormTraining(maps, gamma, beta, { mean, variance }, this.settings, (running) => {
        this.variables[2].write(running.mean);
        this.variables[3].write(running.variance);
      });
      return x.rank === 2 ? y.reshape(x.shape) : y;
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.settings };
  }
}

export interface DropoutOptions {
  readonly name?: string;
  /** Share of the values that are dropped, in [0, 1). */
  readonly rate: number;
}

/**
 * Drops values while training and scales the others by 1/(1 − rate), as in Srivastava et al. 2014 and PyTorch's Dropout. The
 * mask is a function of the call's `key` and the layer's name. The rate is a variable, so that it can be changed while a
 * compiled model trains.
 */
export class KeyedDropout extends tf.layers.Layer {
  static readonly className: string = 'KeyedDropout';
  private readonly rateVariable: tf.Variable<tf.Rank.R0>;

  constructor({ name, rate }: DropoutOptions) {
    super({ name });
    this.rateVariable = tf.tidy(() => tf.variable(tf.scalar(checkRate(rate)), false));
  }

  get rate(): number {
    return this.rateVariable.dataSync()[0];
  }

  set rate(rate: number) {
    tf.tidy(() => this.rateVariable.assign(tf.scalar(checkRate(rate))));
  }

  /** Shape of the random numbers, which is broadcast to that of the input. */
  protected maskShape(shape: number[]): number[] {
    return shape;
  }

  override call(inputs: Inputs, { training = false, key }: Kwargs): tf.Tensor {
    const x = only(inputs);
    if (!training) return x.clone();
    return tf.tidy(() => {
      const uniform = randomUniform(this.maskShape(x.shape), foldIn(key ?? randomKey(), this.name));
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

/** The same for whole channels of [N, H, W, C], as in Tompson et al. 2015 and PyTorch's Dropout2d. */
export class Dropout2d extends KeyedDropout {
  static override readonly className = 'Dropout2d';

  protected override maskShape([batch, , , channels]: number[]): number[] {
    return [batch, 1, 1, channels];
  }
}

/**
 * Gives all of a model's `dropout` and `dropout2d` layers one rate, between two steps of a training too.
 * @throws RangeError when it is not in [0, 1)
 */
export function setDropout(model: tf.LayersModel, rate: number): void {
  for (const each of model.layers) {
    if (each instanceof KeyedDropout) each.rate = rate;
    else if (each instanceof tf.LayersModel) setDropout(each, rate);
  }
}

function checkRate(rate: number): number {
  if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout rate: ${rate}; expected a number in [0, 1).`);
  return rate;
}

// So that tfjs can make them from a saved model.
for (const each of [BatchNorm, KeyedDropout, Dropout2d]) tf.serialization.registerClass(each);
