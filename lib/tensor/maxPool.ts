// Max pooling of 2×2 pixels (lib/tfjs-node/ops/pool.cc), and its gradient: in a third of the time.
import { inputShape, isEmpty, isFloat32, isInts, isText, type Rule } from './rewrite';

const OPS: Readonly<Record<string, string>> = { MaxPool: 'HalvingMaxPool', MaxPoolGrad: 'HalvingMaxPoolGrad' };

export const maxPool: Rule = (node) => {
  const op = OPS[node.op];
  if (!op || !isFloat32(node) || !isText(node.attributes.data_format, 'NHWC')) return undefined;
  const { ksize, strides } = node.attributes;
  const shape = inputShape(node, 0);
  // Even sides: with or without padding, the squares are the same.
  const isEven = shape.slice(1, 3).every((side) => side % 2 === 0);
  if (![ksize, strides].every((sizes) => isInts(sizes, [1, 2, 2, 1])) || !isEven || isEmpty(shape)) return undefined;
  return [{ ...node, op, attributes: {} }];
};
