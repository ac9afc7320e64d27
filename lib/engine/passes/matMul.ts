// Our matrix product (lib/engine/native/ops/matmul.cc): the forward pass of float32 linear layers takes two thirds of the time
// on CPUs without AVX-512. With it, TensorFlow's own is faster.
import { cpuHas } from '../cpu';
import { CUSTOM_OPS } from '../ops/customOpNames';
import { inputShape, isEmpty, isFloat32, isTrue, outputShape, type Rule } from './rewrite';

/** The number of outputs must be a multiple of it (`kColumns` in matmul.cc). */
const COLUMNS = 64;

export const matMul: Rule = (node) => {
  const { op, attributes } = node;
  if (op !== 'MatMul' || !isFloat32(node) || cpuHas('avx512')) return undefined;
  if (isTrue(attributes.transpose_a) || isTrue(attributes.transpose_b)) return undefined;
  // Leave mismatched shapes to TensorFlow's own error.
  if (inputShape(node, 0)[1] !== inputShape(node, 1)[0]) return undefined;
  if (isEmpty(inputShape(node, 0)) || isEmpty(outputShape(node)) || outputShape(node)[1] % COLUMNS !== 0)
    return undefined;
  return { ...node, op: CUSTOM_OPS.matMul, attributes: {} };
};
