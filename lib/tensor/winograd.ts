// Winograd's convolutions (lib/tfjs-node/winograd) as a pass over a graph: float32 convolutions with 3×3 filters take a
// quarter of the multiplications, and a third of the time. Their rounding errors are about five times as large.
import { readFileSync } from 'node:fs';
import { backend, DataType } from './backend';
import { type Attribute, type Graph, type Node, typeOf } from './graph';

/** Of each op: the op that takes its place, the inputs that it needs, and where the filter's shape is to be seen. */
const REPLACEMENTS: Readonly<Record<string, { op: string; inputs: number[]; filter: (node: Node) => number[] }>> = {
  Conv2D: { op: 'Winograd', inputs: [0, 1], filter: ({ inputs }) => typeOf(inputs[1]).shape },
  Conv2DBackpropInput: {
    op: 'WinogradBackpropInput',
    inputs: [1, 2],
    filter: ({ inputs }) => typeOf(inputs[1]).shape,
  },
  Conv2DBackpropFilter: { op: 'WinogradBackpropFilter', inputs: [0, 2], filter: ({ outputs }) => outputs[0].shape },
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
  const [height, width, inputs, outputs] = replacement.filter(node);
  const images = typeOf(node.inputs[replacement.inputs[1]]).shape;
  const [, ...sides] = (node.op === 'Conv2D' ? node.outputs[0].shape : images).slice(0, 3);
  return (
    [height, width].every((size) => size === 3) &&
    [inputs, outputs].every((channels) => channels % LANES === 0) &&
    sides.every((side) => side >= SMALLEST_SIDE) &&
    [strides, dilations].every((steps) => steps === undefined || isAllOnes(steps)) &&
    'string' in padding &&
    padding.string === 'SAME' &&
    'string' in format &&
    format.string === 'NHWC'
  );
}

const isAllOnes = (attribute: Attribute): boolean =>
  'ints' in attribute && attribute.ints.every((value) => value === 1);

/** The ops are for processors with AVX2 and FMA. */
export function hasWinograd(): boolean {
  if (backend.isUsingGpuDevice) return false;
  const flags = readFileSync('/proc/cpuinfo', 'utf8');
  return [/\bavx2\b/, /\bfma\b/].every((flag) => flag.test(flags));
}
