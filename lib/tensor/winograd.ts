// Winograd's convolutions (lib/tfjs-node/ops) as a pass over a graph: float32 convolutions with 3×3 filters take a
// quarter of the multiplications, and a third of the time. They are rounded more: by one to two millionths of a typical value.
import { backend, DataType } from './backend';
import { type Attribute, type Graph, type Node, typeOf } from './graph';
import { processorHas } from './processor';

interface Replacement {
  readonly op: string;
  /** Those of the node's inputs that it takes. */
  readonly inputs: number[];
  /** Where to see the shapes of the images that go in, of those that come out, and of the filter. */
  readonly shapes: (node: Node) => { x: number[]; y: number[]; filter: number[] };
}

const inputShape = (node: Node, index: number): number[] => typeOf(node.inputs[index]).shape;
const outputShape = ({ outputs }: Node): number[] => outputs[0].shape;

const REPLACEMENTS: Readonly<Record<string, Replacement>> = {
  Conv2D: {
    op: 'Winograd',
    inputs: [0, 1],
    shapes: (node) => ({ x: inputShape(node, 0), filter: inputShape(node, 1), y: outputShape(node) }),
  },
  Conv2DBackpropInput: {
    op: 'WinogradBackpropInput',
    inputs: [1, 2],
    shapes: (node) => ({ x: outputShape(node), filter: inputShape(node, 1), y: inputShape(node, 2) }),
  },
  Conv2DBackpropFilter: {
    op: 'WinogradBackpropFilter',
    inputs: [0, 2],
    shapes: (node) => ({ x: inputShape(node, 0), filter: outputShape(node), y: inputShape(node, 2) }),
  },
};

/** Both numbers of channels must be multiples of it (`kLanes` in winograd.h). */
const LANES = 16;
/** Smaller images fill their 4×4 tiles badly. */
const SMALLEST_SIDE = 4;

/** A copy of the graph with Winograd's convolutions where they can be had. Nodes keep their names. */
export function withWinograd(graph: Graph): Graph {
  if (!hasWinograd()) return graph;
  return { ...graph, nodes: graph.nodes.map((node) => (fits(node) ? replaced(node) : node)) };
}

function replaced(node: Node): Node {
  const { op, inputs } = REPLACEMENTS[node.op];
  return { ...node, op, inputs: inputs.map((index) => node.inputs[index]), attributes: {} };
}

function fits(node: Node): boolean {
  const replacement = REPLACEMENTS[node.op];
  if (!replacement || node.outputs[0].dtype !== DataType.float32) return false;
  const { strides, dilations, padding, data_format: format } = node.attributes;
  const { x, y, filter } = replacement.shapes(node);
  const [height, width, inputs, outputs] = filter;
  return (
    isText(format, 'NHWC') &&
    isText(padding, 'SAME') &&
    isAllOnes(strides) &&
    (dilations === undefined || isAllOnes(dilations)) &&
    height === 3 &&
    width === 3 &&
    [inputs, outputs].every((channels) => channels % LANES === 0) &&
    x.slice(1, 3).every((side) => side >= SMALLEST_SIDE) &&
    x[0] > 0 &&
    // Where they do not agree, it is TensorFlow's op that says so.
    x.slice(0, 3).join() === y.slice(0, 3).join()
  );
}

const isText = (attribute: Attribute | undefined, text: string): boolean =>
  attribute !== undefined && 'string' in attribute && attribute.string === text;
const isAllOnes = (attribute: Attribute | undefined): boolean =>
  attribute !== undefined && 'ints' in attribute && attribute.ints.every((value) => value === 1);

/** The ops are for processors with AVX2 and FMA. */
export const hasWinograd = (): boolean => !backend.isUsingGpuDevice && processorHas('avx2', 'fma');
