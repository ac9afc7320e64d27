// The gradients of a batch norm and of the bias and ReLU before it in one op (lib/engine/native/ops/batch-norm.cc): the norm's
// gradient reads the ReLU's output anyway, which tells where it was positive.
import type { Node } from '../graph';
import { CUSTOM_OPS } from '../ops/customOpNames';
import type { Rule, UsersOf } from './rewrite';
import { biasType, isReluBiasGrad, reluGradOf } from './activation';

export const biasReluBatchNormGrad: Rule = (norm, usersOf) =>
  reluGradBeforeNorm(norm, usersOf) && {
    ...norm,
    op: CUSTOM_OPS.biasReluBatchNormGrad,
    outputs: [...norm.outputs, biasType(norm)],
  };

/** The ReLU's gradient is that op's first output … */
export const reluGradOfNorm: Rule = (node, usersOf) => {
  const norm = node.op === 'ReluGrad' && normGradAfter(node, usersOf);
  return norm ? { ...node, op: 'Identity', inputs: [node.inputs[0]] } : undefined;
};

/** … and the bias's gradient its last. */
export const biasGradOfNorm: Rule = (node, usersOf) => {
  const relu = reluGradOf(node);
  const norm = relu && normGradAfter(relu, usersOf);
  return norm && { ...node, op: 'Identity', inputs: [{ node: norm, index: 3 }], attributes: { T: node.attributes.T } };
};

/** For the gradient of a batch norm: that of the ReLU before the norm, if nothing else uses the norm's. */
export function reluGradBeforeNorm(norm: Node, usersOf: UsersOf): Node | undefined {
  if (norm.op !== CUSTOM_OPS.batchNormGrad) return undefined;
  const [relu, ...others] = usersOf(norm);
  const fits = relu && others.length === 0 && isReluBiasGrad(relu) && relu.inputs[1].node === norm.inputs[1].node;
  return fits ? relu : undefined;
}

/** For the gradient of a ReLU: that of the batch norm after it. */
const normGradAfter = (relu: Node, usersOf: UsersOf): Node | undefined => {
  const { node } = relu.inputs[0];
  return reluGradBeforeNorm(node, usersOf) === relu ? node : undefined;
};
