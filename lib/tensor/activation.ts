// Bias and ReLU in one op, and so their gradients (lib/tfjs-node/ops/activation.cc): half the passes over the memory.
import type { Node } from './graph';
import { isEmpty, isFloat32, isText, outputShape, type Rule } from './rewrite';

/** The BiasAdd that a ReLU comes after. (If others need its result, too, it stays in the graph beside the new op.) */
const biasBefore = (relu: Node): Node | undefined => {
  const { node, index } = relu.inputs[0];
  const fits = node.op === 'BiasAdd' && index === 0 && isText(node.attributes.data_format, 'NHWC');
  return fits && isFloat32(relu) && !isEmpty(outputShape(relu)) ? node : undefined;
};

export const biasRelu: Rule = (node) => {
  const bias = node.op === 'Relu' && biasBefore(node);
  return bias ? [{ ...node, op: 'BiasRelu', inputs: bias.inputs, attributes: {} }] : undefined;
};

/** The gradient of such a ReLU, which is known by the result that it keeps. */
const isGradient = ({ op, inputs }: Node): boolean =>
  op === 'ReluGrad' && inputs[1].node.op === 'Relu' && biasBefore(inputs[1].node) !== undefined;

export const reluBiasGrad: Rule = (node) =>
  isGradient(node) ? [{ ...node, op: 'ReluBiasGrad', attributes: {} }] : undefined;

/** The bias's gradient, that op's second result. tfjs's fused layers sum over all axes but the last by a plain Sum. */
export const biasGrad: Rule = (node) => {
  const [dy, axes] = node.inputs;
  const isBiasGrad = node.op === 'BiasAddGrad' || (node.op === 'Sum' && isAllButLast(axes.node, dy.node));
  if (!isBiasGrad || dy.index !== 0 || !isGradient(dy.node)) return undefined;
  return [{ ...node, op: 'Identity', inputs: [{ node: dy.node, index: 1 }], attributes: { T: node.attributes.T } }];
};

function isAllButLast({ attributes: { value } }: Node, of: Node): boolean {
  if (value === undefined || !('tensor' in value)) return false;
  const { bytes } = value.tensor;
  const axes = [...new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
  return axes.join() === Array.from({ length: outputShape(of).length - 1 }, (_, axis) => axis).join();
}
