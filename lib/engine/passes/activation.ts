// Bias and ReLU in one op, and so their gradients (lib/engine/native/ops/activation.cc): half the passes over the memory.
import { DataType } from '../backend';
import { constantBytes, type Node, type TensorType, typeOf, type Value } from '../graph';
import { CUSTOM_OPS } from '../ops/customOps';
import { beforeReshapes, isEmpty, isFloat32, isText, isTrue, outputShape, reshapedFrom, type Rule } from './rewrite';

/** The sum that a ReLU cuts off below 0. */
interface BiasBefore {
  readonly node: Node;
  /** Of the ReLU's shape. */
  readonly x: Value;
  readonly bias: Value;
}

/**
 * The BiasAdd that a ReLU comes after. (If others need its result, too, it stays in the graph beside the new op.) Between
 * them, tfjs reshapes what comes from a linear layer.
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

/** The gradient of such a ReLU, which is known by the result that it keeps. */
export const isReluBiasGrad = ({ op, inputs }: Node): boolean =>
  op === 'ReluGrad' && inputs[1].node.op === 'Relu' && biasBefore(inputs[1].node) !== undefined;

export const reluBiasGrad: Rule = (node) => {
  if (!isReluBiasGrad(node)) return undefined;
  return { ...node, op: CUSTOM_OPS.biasReluGrad, attributes: {}, outputs: [...node.outputs, biasType(node)] };
};

/** Of the sums of an image's channels. */
export const biasType = (node: Node): TensorType => ({ dtype: DataType.float32, shape: outputShape(node).slice(-1) });

/** The bias's gradient is that op's second result. tfjs's fused layers sum over all axes but the last by a plain Sum. */
export const biasGrad: Rule = (node) => {
  const relu = reluGradOf(node);
  return relu && { ...node, op: 'Identity', inputs: [{ node: relu, index: 1 }], attributes: { T: node.attributes.T } };
};

/** Of a bias's gradient: that of the ReLU after it. */
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
