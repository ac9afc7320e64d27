// The update of a linear layer's weights by SGD in one op (lib/engine/native/ops/fused-matmul-sgd.cc) with the matrix product
// that is their gradient: the gradient, which is as large as the weights, is never written to memory.
import type { Node } from '../graph';
import { CUSTOM_OPS } from '../ops/customOpNames';
import { inputShape, isEmpty, isFloat32, isTrue, outputShape, type Rule, type UsersOf } from './rewrite';

/** The number of outputs must be a multiple of it (`kLanes` in f32x16.h). */
const COLUMNS = 16;

export const linearUpdate: Rule = (node, usersOf) => {
  if (node.op !== CUSTOM_OPS.sgd) return undefined;
  const [weights, velocity, { node: last }, ...hyperparameters] = node.inputs;
  const gradient = productBefore(last, usersOf);
  if (!gradient || outputShape(gradient).join() !== outputShape(node).join()) return undefined;
  if (isEmpty(inputShape(gradient, 0)) || isEmpty(outputShape(gradient))) return undefined;
  if (outputShape(gradient)[1] % COLUMNS !== 0) return undefined;
  return {
    ...node,
    op: CUSTOM_OPS.matMulSgd,
    inputs: [...gradient.inputs, weights, velocity, ...hyperparameters],
    attributes: {},
  };
};

/** The product xᵀ · dy that a gradient is, if nothing else uses it. (tfjs reshapes gradients back and forth.) */
function productBefore(gradient: Node, usersOf: UsersOf): Node | undefined {
  if (usersOf(gradient).length > 1) return undefined;
  const { op, attributes } = gradient;
  if (op === 'Reshape') return productBefore(gradient.inputs[0].node, usersOf);
  if (op !== 'MatMul' || !isFloat32(gradient) || !isTrue(attributes.transpose_a) || isTrue(attributes.transpose_b))
    return undefined;
  // Leave mismatched shapes to TensorFlow's own error.
  return inputShape(gradient, 0)[0] === inputShape(gradient, 1)[0] ? gradient : undefined;
}
