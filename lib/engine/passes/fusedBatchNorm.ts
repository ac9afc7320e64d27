// Our batch norm (ops/batchNorm.ts) is float32 only: for bfloat16, TensorFlow's replaces it.
import { DataType } from '../backend';
import { type Attribute, constantBytes, type Node, type Value } from '../graph';
import { CUSTOM_OPS } from '../ops/customOpNames';
import type { Rule } from './rewrite';

const unused = { dtype: DataType.float32, shape: [0] };

export const fusedNorm: Rule = (node) => {
  if (node.op !== CUSTOM_OPS.batchNorm) return undefined;
  const { momentum, epsilon } = constantsOf(node);
  const attributes = { ...attributesWith(epsilon), exponential_avg_factor: momentum };
  const [inputs, outputs] = [node.inputs.slice(0, 5), [...node.outputs, unused]];
  return { ...node, op: 'FusedBatchNormV3', inputs, attributes, outputs };
};

export const fusedNormGrad: Rule = (node) => {
  if (node.op !== CUSTOM_OPS.batchNormGrad) return undefined;
  const { node: norm } = node.inputs[3];
  const attributes = attributesWith(constantsOf(norm).epsilon);
  const inputs = [...node.inputs, { node: norm, index: 5 }];
  return { ...node, op: 'FusedBatchNormGradV3', inputs, attributes, outputs: [...node.outputs, unused, unused] };
};

const attributesWith = (epsilon: Attribute): Record<string, Attribute> => ({
  T: { type: DataType.float32 },
  U: { type: DataType.float32 },
  epsilon,
  data_format: { string: 'NHWC' },
  is_training: { bool: true },
});

function constantsOf(norm: Node): { momentum: Attribute; epsilon: Attribute } {
  const [momentum, epsilon] = norm.inputs.slice(5).map(floatOf);
  return { momentum, epsilon };
}

const floatOf = (value: Value): Attribute => ({ float: new Float32Array(constantBytes(value)!.buffer)[0] });
