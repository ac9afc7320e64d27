// Max pooling of 2×2 pixels (lib/engine/native/ops/max-pool.cc), and its gradient: in a third of the time.
import { CUSTOM_OPS } from '../ops/customOpNames';
import { inputShape, isEmpty, isFloat32, isInts, isText, type Rule } from './rewrite';

const OPS: Readonly<Record<string, string>> = {
  MaxPool: CUSTOM_OPS.maxPool,
  MaxPoolGrad: CUSTOM_OPS.maxPoolGrad,
};

export const maxPool: Rule = (node) => {
  const op = OPS[node.op];
  if (!op || !isFloat32(node) || !isText(node.attributes.data_format, 'NHWC')) return undefined;
  const { ksize, strides } = node.attributes;
  if (![ksize, strides].every((sizes) => isInts(sizes, [1, 2, 2, 1]))) return undefined;
  const [images, height, width, channels] = inputShape(node, 0);
  // For even sides, 'SAME' and 'VALID' are the same.
  if (isEmpty([images, height, width, channels]) || height % 2 !== 0 || width % 2 !== 0) return undefined;
  // The gradient: leave mismatched shapes to TensorFlow's own error.
  const pooled = [images, height / 2, width / 2, channels].join();
  if (node.inputs.slice(1).some((_, i) => inputShape(node, i + 1).join() !== pooled)) return undefined;
  return { ...node, op, attributes: {} };
};
