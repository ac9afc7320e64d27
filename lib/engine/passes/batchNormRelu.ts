// A batch norm and the ReLU after it in one op, and so their gradients (lib/engine/native/ops/batch-norm.cc): 8 passes over the
// memory instead of 13. The gradient computes again where the ReLU was positive.
import type { Node } from '../graph';
import { CUSTOM_OPS } from '../ops/customOpNames';
import { reluGradBeforeNorm } from './biasReluBatchNorm';
import type { Rule, UsersOf } from './rewrite';

export const batchNormRelu: Rule = (norm, usersOf) =>
  isFused(norm, usersOf) ? { ...norm, op: CUSTOM_OPS.batchNormRelu } : undefined;

/** The ReLU's output is that op's first. */
export const reluOfBatchNorm: Rule = (relu, usersOf) => {
  const [norm] = relu.inputs;
  return relu.op === 'Relu' && isFused(norm.node, usersOf) ? { ...relu, op: 'Identity' } : undefined;
};

/** Whether a norm's output goes nowhere but into a ReLU. */
function isFused(norm: Node, usersOf: UsersOf): boolean {
  if (norm.op !== CUSTOM_OPS.batchNorm) return false;
  const [relu, ...others] = usersOf(norm);
  return relu?.op === 'Relu' && others.length === 0;
}

export const batchNormReluGrad: Rule = (grad, usersOf) => {
  if (grad.op !== CUSTOM_OPS.batchNormGrad || reluGradBeforeNorm(grad, usersOf)) return undefined;
  const [{ node: reluGrad }, x, gamma, mean, inverse] = grad.inputs;
  if (reluGrad.op !== 'ReluGrad' || usersOf(reluGrad).length > 1) return undefined;
  const [dy, { node: relu }] = reluGrad.inputs;
  const isOfNorm = relu.op === 'Relu' && relu.inputs[0].node === mean.node && relu.inputs[0].index === 0;
  if (!isOfNorm) return undefined;
  const beta = mean.node.inputs[2];
  return { ...grad, op: CUSTOM_OPS.batchNormReluGrad, inputs: [dy, x, gamma, mean, inverse, beta] };
};
