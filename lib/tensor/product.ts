// Our matrix product (lib/tfjs-node/ops/product.cc) as a pass over a graph: the forward pass of float32 linear layers takes
// two thirds of the time on processors without AVX-512.
import { backend, DataType } from './backend';
import { type Attribute, type Graph, type Node, typeOf } from './graph';
import { processorHas } from './processor';

/** Numbers of outputs must be multiples of it (`kColumns` in product.cc). */
const COLUMNS = 64;

/** A copy of the graph with our product where it can be had. Nodes keep their names. */
export function withProducts(graph: Graph): Graph {
  if (!hasProduct()) return graph;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => (fits(node) ? { ...node, op: 'Product', attributes: {} } : node)),
  };
}

function fits({ op, inputs, attributes, outputs }: Node): boolean {
  if (op !== 'MatMul' || outputs[0].dtype !== DataType.float32) return false;
  if (isTrue(attributes.transpose_a) || isTrue(attributes.transpose_b)) return false;
  const [rows, columns] = outputs[0].shape;
  const [, depth] = typeOf(inputs[0]).shape;
  return rows > 0 && depth > 0 && columns > 0 && columns % COLUMNS === 0;
}

const isTrue = (attribute: Attribute | undefined): boolean =>
  attribute !== undefined && 'bool' in attribute && attribute.bool;

/** With AVX-512, TensorFlow's own is faster. */
export const hasProduct = (): boolean =>
  !backend.isUsingGpuDevice && processorHas('avx2', 'fma') && !processorHas('avx512f');
