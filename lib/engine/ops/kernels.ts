// TensorFlow's kernels in place of those that tfjs registered, which consist of elementwise ops at two to five times the cost.
// Values stay the same, but for rounding. tfjs can't differentiate the gradients' kernels: second derivatives use its formulas.
import * as tf from '@tensorflow/tfjs-node';
import { dataTypeOf, DataType, isDifferentiated, isSymbolic, typeAttribute } from '../backend';
import { boolAttr, floatAttr, executeOps, intAttr, NHWC, executeOp, T_FLOAT32, U_FLOAT32 } from './call';

interface BinaryInputs {
  a: tf.TensorInfo;
  b: tf.TensorInfo;
}

/** Replaces the kernels and gradients in tfjs's own registry. Call it once. */
export function replaceKernels(): void {
  replaceRelu();
  replaceMatMul();
  replaceBias();
  replaceBatchNorm();
  replaceEmptyPooling();
  replaceGather();
  addGradients();
}

function replaceRelu(): void {
  const formula = tf.getGradient('Relu').gradFunc;
  replaceGradient('Relu', {
    outputsToSave: [true],
    gradFunc: (dy, saved, attributes) =>
      // y can stand in for x: both are positive at the same elements.
      isDifferentiated()
        ? formula(dy, saved, attributes)
        : { x: () => executeOp('ReluGrad', [T_FLOAT32], [dy as tf.Tensor, saved[0]]) },
  });
}

/** tfjs's layers pass matrices as batches of one matrix. */
function replaceMatMul(): void {
  const isMatrix = ({ shape, dtype }: tf.TensorInfo): boolean =>
    dtype === 'float32' && shape.slice(0, -2).every((size) => size === 1);
  const toMatrix = (x: tf.TensorInfo): tf.Tensor =>
    x.shape.length === 2 ? (x as tf.Tensor) : tf.reshape(x as tf.Tensor, x.shape.slice(-2));
  replaceKernel('BatchMatMul', (original) => (args) => {
    const { a, b } = args.inputs as unknown as BinaryInputs;
    if (!isMatrix(a) || !isMatrix(b)) return original(args);
    const { transposeA, transposeB } = args.attrs as { transposeA: boolean; transposeB: boolean };
    const attributes = [
      T_FLOAT32,
      boolAttr('transpose_a', Boolean(transposeA)),
      boolAttr('transpose_b', Boolean(transposeB)),
    ];
    return tf.tidy(() => {
      const product = executeOp('MatMul', attributes, [toMatrix(a), toMatrix(b)]);
      const lead = Array<number>(Math.max(a.shape.length, b.shape.length) - 2).fill(1);
      return lead.length === 0 ? product : tf.reshape(product, [...lead, ...product.shape]);
    });
  });
}

/** tfjs adds a layer's bias by a general sum: [..., C] + [C]. */
function replaceBias(): void {
  const isBias = (a: tf.TensorInfo, b: tf.TensorInfo): boolean =>
    a.shape.length > 1 &&
    b.shape.length === 1 &&
    a.dtype === 'float32' &&
    b.dtype === 'float32' &&
    a.shape[a.shape.length - 1] === b.shape[0];
  replaceKernel('Add', (original) => (args) => {
    const { a, b } = args.inputs as unknown as BinaryInputs;
    return isBias(a, b) ? executeOp('BiasAdd', [T_FLOAT32, NHWC], [a, b] as tf.Tensor[]) : original(args);
  });
  const formula = tf.getGradient('Add').gradFunc;
  replaceGradient('Add', {
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved, attributes) =>
      isBias(saved[0], saved[1]) && !isDifferentiated()
        ? { a: () => dy as tf.Tensor, b: () => executeOp('BiasAddGrad', [T_FLOAT32, NHWC], [dy as tf.Tensor]) }
        : formula(dy, saved, attributes),
  });
}

/** Batch norm on running statistics. */
function replaceBatchNorm(): void {
  replaceKernel('FusedBatchNorm', (original) => (args) => {
    const { x, mean, variance, offset, scale } = args.inputs as Record<string, tf.Tensor | undefined>;
    // Statistics of another shape than [C] are left to tfjs.
    if (!x || !mean || !variance || mean.rank !== 1 || x.dtype !== 'float32') return original(args);
    const { varianceEpsilon } = args.attrs as { varianceEpsilon: number };
    const attributes = [
      T_FLOAT32,
      U_FLOAT32,
      floatAttr('epsilon', varianceEpsilon),
      NHWC,
      boolAttr('is_training', false),
    ];
    return tf.tidy(() => {
      const [gamma, beta] = [scale ?? tf.fill(mean.shape, 1), offset ?? tf.fill(mean.shape, 0)];
      return executeOps('FusedBatchNormV3', attributes, [x, gamma, beta, mean, variance], 6)[0];
    });
  });
}

/** TensorFlow's gradient of max pooling crashes on an empty batch. */
function replaceEmptyPooling(): void {
  replaceKernel('MaxPoolGrad', (original) => (args) => {
    const { input } = args.inputs as Record<string, tf.Tensor>;
    return input.size === 0 ? executeOp('Identity', [typeAttribute('T', dataTypeOf(input))], [input]) : original(args);
  });
}

/** tfjs reads the indices to check them: while a function is traced they have no values, and TensorFlow checks them itself. */
function replaceGather(): void {
  replaceKernel('GatherV2', (original) => (args) => {
    const { x, indices } = args.inputs as Record<string, tf.Tensor>;
    if (!isSymbolic(indices)) return original(args);
    const { axis, batchDims } = args.attrs as { axis: number; batchDims: number };
    const attributes = [
      intAttr('batch_dims', batchDims),
      typeAttribute('Tparams', dataTypeOf(x)),
      typeAttribute('Tindices', DataType.int32),
      typeAttribute('Taxis', DataType.int32),
    ];
    return tf.tidy(() => executeOp('GatherV2', attributes, [x, indices, tf.scalar(axis, 'int32')]));
  });
}

/** Without them, tfjs can't differentiate `where(greater(x, 0), …)`: it follows x into the condition. */
function addGradients(): void {
  for (const kernelName of ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual']) {
    if (tf.getGradient(kernelName)) continue;
    const gradFunc: tf.GradFunc = (_, [a, b]) => ({ a: () => tf.zeros(a.shape), b: () => tf.zeros(b.shape) });
    tf.registerGradient({ kernelName, inputsToSave: ['a', 'b'], gradFunc });
  }
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
