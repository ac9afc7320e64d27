// The update of a linear layer's weights (lib/engine/native/ops/fused-matmul-sgd.cc) in place of their gradient, a matrix product,
// and of what SGD makes of it: the gradient, which is as large as the weights, is never written to the memory.
import type { Node } from '../graph';
import { CUSTOM_OPS } from '../ops/customOps';
import { inputShape, isEmpty, isFloat32, isTrue, outputShape, type Rule, type UsersOf } from './rewrite';

/** Numbers of outputs must be multiples of it (`kLanes` in f32x16.h). */
const COLUMNS = 16;

export const linearUpdate: Rule = (node, usersOf) => {
  if (node.op !== CUSTOM_OPS.sgd) return undefined;
  const [weights, velocity, { node: last }, ...knobs] = node.inputs;
  const gradient = productBefore(last, usersOf);
  if (!gradient || outputShape(gradient).join() !== outputShape(node).join()) return undefined;
  if (isEmpty(inputShape(gradient, 0)) || isEmpty(outputShape(gradient))) return undefined;
  if (outputShape(gradient)[1] % COLUMNS !== 0) return undefined;
  return {
    ...node,
    op: CUSTOM_OPS.matMulSgd,
    inputs: [...gradient.inputs, weights, velocity, ...knobs],
    attributes: {},
  };
};

/** The xᵀ · dy that a gradient is, if nobody else needs it. (tfjs reshapes gradients there and back.) */
function productBefore(gradient: Node, usersOf: UsersOf): Node | undefined {
  if (usersOf(gradient).length > 1) return undefined;
  const { op, attributes } = gradient;
  if (op === 'Reshape') return productBefore(gradient.inputs[0].node, usersOf);
  if (op !== 'MatMul' || !isFloat32(gradient) || !isTrue(attributes.transpose_a) || isTrue(attributes.transpose_b))
    return undefined;
  // Where the sizes do not agree, it is TensorFlow's op that says so.
  return inputShape(gradient, 0)[0] === inputShape(gradient, 1)[0] ? gradient : undefined;
}
