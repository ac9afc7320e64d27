// TensorFlow's kernels that tfjs does not use, because it spells them out in elementwise ops, at two to five times the cost;
// and those of our own that are used outside of graphs, too.
import * as tf from '@tensorflow/tfjs-node';
import {
  backend,
  binding,
  dataTypeOf,
  DataType,
  hasOwnOps,
  isDifferentiated,
  type OpAttribute,
  typeAttribute,
} from './backend';

const float = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_FLOAT, value });
const bool = (name: string, value: boolean): OpAttribute => ({ name, type: binding.TF_ATTR_BOOL, value });
const string = (name: string, value: string): OpAttribute => ({ name, type: binding.TF_ATTR_STRING, value });

const one = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor =>
  backend.executeSingleOutput(op, attributes, inputs);
const many = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[], count: number): tf.Tensor[] =>
  backend.executeMultipleOutputs(op, attributes, inputs, count);

const T = typeAttribute('T', DataType.float32);
const U = typeAttribute('U', DataType.float32);
const NHWC = string('data_format', 'NHWC');

/**
 * Converts between types, uint8 included. Source: TensorFlow's Cast.
 * @param x any shape
 */
export const castTo = (x: tf.Tensor, type: DataType): tf.Tensor =>
  one('Cast', [typeAttribute('SrcT', dataTypeOf(x)), typeAttribute('DstT', type), bool('Truncate', false)], [x]);

/**
 * Mean cross entropy of a batch. Source: TensorFlow's SparseSoftmaxCrossEntropyWithLogits; PyTorch's CrossEntropyLoss.
 * @param logits [N, classes]
 * @param labels [N], int32, each below the number of classes
 * @returns a scalar
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Scalar {
  const op = tf.customGrad((x, save) => {
    const [losses, gradient] = many(
      'SparseSoftmaxCrossEntropyWithLogits',
      [T, typeAttribute('Tlabels', DataType.int32)],
      [x as tf.Tensor, labels],
      2,
    );
    (save as tf.GradSaveFunc)([gradient, x as tf.Tensor, labels]);
    const [size, classes] = logits.shape;
    return {
      value: tf.mean(losses),
      gradFunc: (dy: tf.Tensor, [saved, input, classOf]: tf.Tensor[]) => {
        const each = isDifferentiated() ? tf.sub(tf.softmax(input), tf.oneHot(classOf, classes)) : saved;
        return tf.mul(each, tf.div(dy, size));
      },
    };
  });
  return op(logits) as tf.Scalar;
}

/** Running statistics of a batch norm: they go in, and come out moved towards the batch's. */
export interface NormStatistics {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalisation of a training batch. Source: PyTorch's BatchNorm2d, whose running variance is unbiased. On the
 * processor it is ours (lib/tfjs-node/ops/norm.cc), which takes half the time of TensorFlow's FusedBatchNormV3 and rounds
 * less.
 * @param x [N, H, W, C]
 * @param gamma, beta [C]
 * @param running [C] each
 * @param options.momentum share of the batch in the new running statistics (PyTorch's meaning)
 * @param update receives the new running statistics
 * @returns [N, H, W, C]
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  running: NormStatistics,
  { epsilon, momentum }: { epsilon: number; momentum: number },
  update: (statistics: NormStatistics) => void,
): tf.Tensor4D {
  const { forward, gradient } = hasOwnOps() ? ownNorm(epsilon, momentum) : fusedNorm(epsilon, momentum);
  const op = tf.customGrad((...args) => {
    const [input, scale, offset] = args as tf.Tensor[];
    const save = args[3] as unknown as tf.GradSaveFunc;
    const [y, mean, variance, ...reserved] = forward([input, scale, offset, running.mean, running.variance]);
    update({ mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D });
    save([input, scale, ...reserved]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        if (isDifferentiated()) {
          throw new Error(
            'a gradient of the gradient of batch norm: there is none while training; use evaluation mode.',
          );
        }
        return gradient([dy, ...saved]);
      },
    };
  });
  return op(x, gamma, beta) as tf.Tensor4D;
}

/** A batch norm's two ops. */
interface NormOps {
  /** From x, gamma, beta and the running statistics: y, the new running statistics, and what the gradient needs. */
  readonly forward: (inputs: tf.Tensor[]) => tf.Tensor[];
  /** From dy, x, gamma and that: dx, dgamma and dbeta. */
  readonly gradient: (inputs: tf.Tensor[]) => tf.Tensor[];
}

const ownNorm = (epsilon: number, momentum: number): NormOps => ({
  forward: (inputs) => many('BatchNorm', [], [...inputs, tf.scalar(momentum), tf.scalar(epsilon)], 5),
  gradient: (inputs) => many('BatchNormGrad', [], inputs, 3),
});

function fusedNorm(epsilon: number, momentum: number): NormOps {
  const common = [T, U, float('epsilon', epsilon), NHWC, bool('is_training', true)];
  const average = float('exponential_avg_factor', momentum);
  return {
    forward: (inputs) => many('FusedBatchNormV3', [...common, average], inputs, 6),
    gradient: (inputs) => many('FusedBatchNormGradV3', common, inputs, 5).slice(0, 3),
  };
}

/**
 * Uniform numbers in [0, 1) that are a function of the key alone. Source: TensorFlow's StatelessRandomUniform (Philox).
 * @param key [2], int32
 */
export const statelessUniform = (shape: number[], key: tf.Tensor1D): tf.Tensor =>
  one(
    'StatelessRandomUniform',
    [
      typeAttribute('dtype', DataType.float32),
      typeAttribute('T', DataType.int32),
      typeAttribute('Tseed', DataType.int32),
    ],
    [tf.tensor1d(shape, 'int32'), key],
  );

/**
 * Moves, turns and mirrors whole images. Source: TensorFlow's ImageProjectiveTransformV3, nearest pixel, 0 outside.
 * @param images uint8, int32 or float32 [N, H, W, C]
 * @param transforms [N, 8]: a0, a1, a2, b0, b1, b2, c0, c1; output (x, y) shows input ((a0·x + a1·y + a2)/k, (b0·x + b1·y + b2)/k), k = c0·x + c1·y + 1
 * @returns the same shape and type
 */
export function transformImages(images: tf.Tensor, transforms: tf.Tensor2D): tf.Tensor {
  const [, height, width] = images.shape;
  return one(
    'ImageProjectiveTransformV3',
    [typeAttribute('dtype', dataTypeOf(images)), string('interpolation', 'NEAREST'), string('fill_mode', 'CONSTANT')],
    [images, transforms, tf.tensor1d([height, width], 'int32'), tf.scalar(0)],
  );
}

/**
 * A step of stochastic gradient descent for one parameter, as in PyTorch's SGD; on the processor in one pass over the memory
 * (lib/tfjs-node/ops/sgd.cc). g ← g + weightDecay·w;  v ← momentum·v + g;  w ← w − lr·v. With momentum 0: w ← w − lr·g, and
 * v stays as it is.
 * @param parameter, velocity, gradient of one shape
 * @returns the new parameter and the new velocity
 */
export function sgdUpdate(
  parameter: tf.Tensor,
  velocity: tf.Tensor,
  gradient: tf.Tensor,
  { lr, momentum, weightDecay }: { lr: tf.Scalar; momentum: tf.Scalar; weightDecay: tf.Scalar },
): [parameter: tf.Tensor, velocity: tf.Tensor] {
  if (!backend.isUsingGpuDevice) {
    const inputs = [parameter, velocity, gradient, lr, momentum, weightDecay];
    return many('SgdUpdate', [], inputs, 2) as [tf.Tensor, tf.Tensor];
  }
  return tf.tidy(() => {
    const decayed = tf.add(gradient, tf.mul(parameter, weightDecay));
    const next = tf.add(tf.mul(velocity, momentum), decayed);
    return [tf.sub(parameter, tf.mul(next, lr)), tf.where(tf.equal(momentum, 0), velocity, next)];
  });
}

/** tfjs's layers pass matrices as batches of one matrix. */
const isMatrix = ({ shape, dtype }: tf.TensorInfo): boolean =>
  dtype === 'float32' && shape.slice(0, -2).every((size) => size === 1);
const toMatrix = (x: tf.TensorInfo): tf.Tensor =>
  x.shape.length === 2 ? (x as tf.Tensor) : tf.reshape(x as tf.Tensor, x.shape.slice(-2));

/** tfjs passes the bias of a layer as a general sum: [..., C] + [C]. */
const isBias = (a: tf.TensorInfo, b: tf.TensorInfo): boolean =>
  a.shape.length > 1 &&
  b.shape.length === 1 &&
  a.dtype === 'float32' &&
  b.dtype === 'float32' &&
  a.shape[a.shape.length - 1] === b.shape[0];

interface BinaryInputs {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}

/**
 * Gives tfjs's own relu, matMul and bias the TensorFlow kernels made for them, and their gradients. Values stay the same
 * to rounding. Registered once, when this file is loaded, through tfjs's own registry. tfjs can't differentiate the kernels
 * of the gradients: a gradient of a gradient goes by tfjs's formulas.
 */
function registerFasterKernels(): void {
  const reluGradient = tf.getGradient('Relu').gradFunc;
  replaceGradient('Relu', {
    outputsToSave: [true],
    gradFunc: (dy, saved, attributes) =>
      // y is as good as the x that the formula asks for: it is above 0 where x is.
      isDifferentiated()
        ? reluGradient(dy, saved, attributes)
        : { x: () => one('ReluGrad', [T], [dy as tf.Tensor, saved[0]]) },
  });
  replaceKernel('BatchMatMul', (original) => (args) => {
    const { a, b } = args.inputs as unknown as BinaryInputs;
    if (!isMatrix(a) || !isMatrix(b)) return original(args);
    const { transposeA, transposeB } = args.attrs as { transposeA: boolean; transposeB: boolean };
    const attributes = [T, bool('transpose_a', Boolean(transposeA)), bool('transpose_b', Boolean(transposeB))];
    return tf.tidy(() => {
      const product = one('MatMul', attributes, [toMatrix(a), toMatrix(b)]);
      const lead = Array<number>(Math.max(a.shape.length, b.shape.length) - 2).fill(1);
      return lead.length === 0 ? product : tf.reshape(product, [...lead, ...product.shape]);
    });
  });
  replaceKernel('Add', (original) => (args) => {
    const { a, b } = args.inputs as unknown as BinaryInputs;
    return isBias(a, b) ? one('BiasAdd', [T, NHWC], [a, b] as tf.Tensor[]) : original(args);
  });
  const addGradient = tf.getGradient('Add').gradFunc;
  replaceGradient('Add', {
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved, attributes) =>
      isBias(saved[0], saved[1]) && !isDifferentiated()
        ? { a: () => dy as tf.Tensor, b: () => one('BiasAddGrad', [T, NHWC], [dy as tf.Tensor]) }
        : addGradient(dy, saved, attributes),
  });
}

/** Batch norm on running statistics. */
function registerBatchNorm(): void {
  replaceKernel('FusedBatchNorm', (original) => (args) => {
    const { x, mean, variance, offset, scale } = args.inputs as Record<string, tf.Tensor | undefined>;
    // Statistics that are not one of each channel are left to tfjs.
    if (!x || !mean || !variance || mean.rank !== 1 || x.dtype !== 'float32') return original(args);
    const { varianceEpsilon } = args.attrs as { varianceEpsilon: number };
    const attributes = [T, U, float('epsilon', varianceEpsilon), NHWC, bool('is_training', false)];
    return tf.tidy(() => {
      const [gamma, beta] = [scale ?? tf.fill(mean.shape, 1), offset ?? tf.fill(mean.shape, 0)];
      return many('FusedBatchNormV3', attributes, [x, gamma, beta, mean, variance], 6)[0];
    });
  });
}

/** TensorFlow's gradient of max pooling ends the process where there are no images. */
function registerEmptyPooling(): void {
  replaceKernel('MaxPoolGrad', (original) => (args) => {
    const { input } = args.inputs as Record<string, tf.Tensor>;
    return input.size === 0 ? one('Identity', [typeAttribute('T', dataTypeOf(input))], [input]) : original(args);
  });
}

function replaceKernel(kernelName: string, make: (original: tf.KernelFunc) => tf.KernelFunc): void {
  const original = tf.getKernel(kernelName, 'tensorflow').kernelFunc;
  tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc: make(original) });
}

function replaceGradient(kernelName: string, gradient: Omit<tf.GradConfig, 'kernelName'>): void {
  tf.unregisterGradient(kernelName);
  tf.registerGradient({ kernelName, ...gradient });
}

registerFasterKernels();
registerBatchNorm();
registerEmptyPooling();
