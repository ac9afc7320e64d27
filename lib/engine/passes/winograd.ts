// Winograd's 3×3 convolutions (lib/engine/native/ops/winograd.cc): a quarter of the multiplications, a third of the time. They
// round more: by one to four millionths of a typical value.
import type { Node } from '../graph';
import { CUSTOM_OPS } from '../ops/customOpNames';
import { inputShape, isEmpty, isFloat32, isInts, isText, outputShape, type Rule } from './rewrite';
import { biasBefore } from './activation';

interface Replacement {
  readonly op: string;
  /** The node's inputs that it takes. */
  readonly inputs: number[];
  /** The shapes of the convolution's input, output and filter. */
  readonly shapes: (node: Node) => { x: number[]; y: number[]; filter: number[] };
}

const REPLACEMENTS: Readonly<Record<string, Replacement>> = {
  Conv2D: {
    op: CUSTOM_OPS.winograd,
    inputs: [0, 1],
    shapes: (node) => ({ x: inputShape(node, 0), filter: inputShape(node, 1), y: outputShape(node) }),
  },
  Conv2DBackpropInput: {
    op: CUSTOM_OPS.winogradBackpropInput,
    inputs: [1, 2],
    shapes: (node) => ({ x: outputShape(node), filter: inputShape(node, 1), y: inputShape(node, 2) }),
  },
  Conv2DBackpropFilter: {
    op: CUSTOM_OPS.winogradBackpropFilter,
    inputs: [0, 2],
    shapes: (node) => ({ x: inputShape(node, 0), filter: outputShape(node), y: inputShape(node, 2) }),
  },
};

/** Input and output channels must be multiples of it (`kLanes` in f32x16.h). */
const LANES = 16;
/** Smaller images waste most of their 4×4 tiles. */
const SMALLEST_SIDE = 4;

export const winograd: Rule = (node) => {
  const replacement = REPLACEMENTS[node.op];
  if (!replacement || !isFloat32(node) || !fits(node, replacement)) return undefined;
  const { op, inputs } = replacement;
  return { ...node, op, inputs: inputs.map((index) => node.inputs[index]), attributes: {} };
};

/** The convolution with the bias and the ReLU after it, if no other node uses what is between them. */
export const winogradBiasRelu: Rule = (relu, usersOf) => {
  const before = relu.op === 'Relu' && biasBefore(relu);
  if (!before) return undefined;
  const convolution = before.x.node;
  // No reshapes between them, as linear layers have: other nodes could use those.
  if (relu.inputs[0].node !== before.node || before.node.inputs[0].node !== convolution) return undefined;
  if (convolution.op !== 'Conv2D' || [before.node, convolution].some((node) => usersOf(node).length > 1))
    return undefined;
  const taken = winograd(convolution, usersOf);
  return taken && { ...relu, op: CUSTOM_OPS.winogradBiasRelu, inputs: [...taken.inputs, before.bias], attributes: {} };
};

function fits(node: Node, { shapes }: Replacement): boolean {
  const { strides, dilations, padding, data_format: format } = node.attributes;
  const { x, y, filter } = shapes(node);
  const [height, width, inputs, outputs] = filter;
  const ones = [1, 1, 1, 1];
  return (
    isText(format, 'NHWC') &&
    isText(padding, 'SAME') &&
    isInts(strides, ones) &&
    (dilations === undefined || isInts(dilations, ones)) &&
    height === 3 &&
    width === 3 &&
    [inputs, outputs].every((channels) => channels % LANES === 0) &&
    x.slice(1, 3).every((side) => side >= SMALLEST_SIDE) &&
    !isEmpty(x) &&
    !isEmpty(filter) &&
    // Leave mismatched shapes to TensorFlow's own error.
    x.slice(0, 3).join() === y.slice(0, 3).join()
  );
}
