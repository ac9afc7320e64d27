// A bias and the ReLU after it in one op, and so their gradients (lib/engine/native/ops/activation.cc): half the passes over the
// memory.
import { DataType } from '../backend';
import { constantBytes, type Node, type TensorType, typeOf, type Value } from '../graph';
import { CUSTOM_OPS } from '../ops/customOpNames';
import { beforeReshapes, isEmpty, isFloat32, isText, isTrue, outputShape, reshapedFrom, type Rule } from './rewrite';

/** The sum with a bias that a ReLU is applied to. */
interface BiasBefore {
  readonly node: Node;
  /** What the bias is added to, in the ReLU's shape. */
  readonly x: Value;
  readonly bias: Value;
}

/**
 * The BiasAdd before a ReLU. (If other nodes use its output, too, it stays in the graph beside the new op.) tfjs reshapes a
 * linear layer's output between the two.
 */
export function biasBefore(relu: Node): BiasBefore | undefined {
  const { node, index } = beforeReshapes(relu.inputs[0]);
  const fits = node.op === 'BiasAdd' && index === 0 && isText(node.attributes.data_format, 'NHWC');
  if (!fits || !isFloat32(relu) || isEmpty(outputShape(relu))) return undefined;
  const [sum, bias] = node.inputs;
  const x = reshapedFrom(sum, outputShape(relu));
  return x && { node, x, bias };
}

export const biasRelu: Rule = (node) => {
  const before = node.op === 'Relu' && biasBefore(node);
  return before ? { ...node, op: CUSTOM_OPS.biasRelu, inputs: [before.x, before.bias], attributes: {} } : undefined;
};

/** Whether a node is the gradient of such a ReLU, which is its second input. */
export const isReluBiasGrad = ({ op, inputs }: Node): boolean =>
  op === 'ReluGrad' && inputs[1].node.op === 'Relu' && biasBefore(inputs[1].node) !== undefined;

export const reluBiasGrad: Rule = (node) => {
  if (!isReluBiasGrad(node)) return undefined;
  return { ...node, op: CUSTOM_OPS.biasReluGrad, attributes: {}, outputs: [...node.outputs, biasType(node)] };
};

/** The type of a bias's gradient: one number per channel. */
export const biasType = (node: Node): TensorType => ({ dtype: DataType.float32, shape: outputShape(node).slice(-1) });

/** The bias's gradient is that op's second output. tfjs's fused layers compute it by a Sum over all axes but the last. */
export const biasGrad: Rule = (node) => {
  const relu = reluGradOf(node);
  return relu && { ...node, op: 'Identity', inputs: [{ node: relu, index: 1 }], attributes: { T: node.attributes.T } };
};

/** For the gradient of a bias: that of the ReLU after it. */
export function reluGradOf(node: Node): Node | undefined {
  if (!(node.op === 'BiasAddGrad' || isSumOfChannels(node))) return undefined;
  const dy = beforeReshapes(node.inputs[0]);
  return dy.index === 0 && isReluBiasGrad(dy.node) ? dy.node : undefined;
}

/** A sum over all axes but the last. */
function isSumOfChannels({ op, inputs, attributes }: Node): boolean {
  if (op !== 'Sum' || isTrue(attributes.keep_dims)) return false;
  const [of, axes] = inputs;
  const bytes = constantBytes(axes);
  if (!bytes) return false;
  const allButLast = Array.from({ length: typeOf(of).shape.length - 1 }, (_, axis) => axis);
  return new Int32Array(bytes.buffer).join() === allButLast.join();
}
