// Bias and ReLU in one op, and so their gradients (lib/tfjs-node/ops/activation.cc): half the passes over the memory.
import { DataType } from '../backend';
import { constantBytes, type Node, typeOf } from '../graph';
import { isEmpty, isFloat32, isText, isTrue, outputShape, type Rule } from '../rewrite';

/** The BiasAdd that a ReLU comes after. (If others need its result, too, it stays in the graph beside the new op.) */
const biasBefore = (relu: Node): Node | undefined => {
  const { node, index } = relu.inputs[0];
  const fits = node.op === 'BiasAdd' && index === 0 && isText(node.attributes.data_format, 'NHWC');
  return fits && isFloat32(relu) && !isEmpty(outputShape(relu)) ? node : undefined;
};

export const biasRelu: Rule = (node) => {
  const bias = node.op === 'Relu' && biasBefore(node);
  return bias ? { ...node, op: 'BiasRelu', inputs: bias.inputs, attributes: {} } : undefined;
};

/** The gradient of such a ReLU, which is known by the result that it keeps. */
const isGradient = ({ op, inputs }: Node): boolean =>
  op === 'ReluGrad' && inputs[1].node.op === 'Relu' && biasBefore(inputs[1].node) !== undefined;

export const reluBiasGrad: Rule = (node) => {
  if (!isGradient(node)) return undefined;
  const bias = { dtype: DataType.float32, shape: outputShape(node).slice(-1) };
  return { ...node, op: 'ReluBiasGrad', attributes: {}, outputs: [...node.outputs, bias] };
};

/** The bias's gradient is that op's second result. tfjs's fused layers sum over all axes but the last by a plain Sum. */
export const biasGrad: Rule = (node) => {
  const [dy] = node.inputs;
  if (!(node.op === 'BiasAddGrad' || isSumOfChannels(node)) || dy.index !== 0 || !isGradient(dy.node)) return undefined;
  return { ...node, op: 'Identity', inputs: [{ node: dy.node, index: 1 }], attributes: { T: node.attributes.T } };
};

/** A sum over all axes but the last. */
function isSumOfChannels({ op, inputs, attributes }: Node): boolean {
  if (op !== 'Sum' || isTrue(attributes.keep_dims)) return false;
  const [of, axes] = inputs;
  const bytes = constantBytes(axes);
  if (!bytes) return false;
  const allButLast = Array.from({ length: typeOf(of).shape.length - 1 }, (_, axis) => axis);
  return new Int32Array(bytes.buffer).join() === allButLast.join();
}
