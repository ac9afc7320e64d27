// The gradients of a batch norm and of the ReLU and bias before it in one op (lib/engine/native/ops/batch-norm.cc): the norm's need the
// ReLU's result anyway, which tells where it has cut.
import type { Node } from '../graph';
import { CUSTOM_OPS } from '../ops/customOps';
import type { Rule, UsersOf } from './rewrite';
import { biasType, isReluBiasGrad, reluGradOf } from './activation';

export const normReluGrad: Rule = (norm, usersOf) =>
  reluGradAfter(norm, usersOf) && {
    ...norm,
    op: CUSTOM_OPS.batchNormReluGrad,
    outputs: [...norm.outputs, biasType(norm)],
  };

/** What the ReLU's gradient was is that op's first result … */
export const reluGradOfNorm: Rule = (node, usersOf) => {
  const norm = node.op === 'ReluGrad' && normGradBefore(node, usersOf);
  return norm ? { ...node, op: 'Identity', inputs: [node.inputs[0]] } : undefined;
};

/** … and the bias's gradient its last. */
export const biasGradOfNorm: Rule = (node, usersOf) => {
  const relu = reluGradOf(node);
  const norm = relu && normGradBefore(relu, usersOf);
  return norm && { ...node, op: 'Identity', inputs: [{ node: norm, index: 3 }], attributes: { T: node.attributes.T } };
};

/** The gradient of the ReLU whose result a batch norm took, where that is all that its gradient is for. */
function reluGradAfter(norm: Node, usersOf: UsersOf): Node | undefined {
  if (norm.op !== CUSTOM_OPS.batchNormGrad) return undefined;
  const [relu, ...others] = usersOf(norm);
  const fits = relu && others.length === 0 && isReluBiasGrad(relu) && relu.inputs[1].node === norm.inputs[1].node;
  return fits ? relu : undefined;
}

const normGradBefore = (relu: Node, usersOf: UsersOf): Node | undefined => {
  const { node } = relu.inputs[0];
  return reluGradAfter(node, usersOf) === relu ? node : undefined;
};
