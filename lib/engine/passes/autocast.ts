// bfloat16 as a pass over a graph: convolutions, matrix products and what lies between them in bfloat16; variables,
// statistics, losses and updates stay in float32. bfloat16 has float32's range with 8 bits of precision, so that, unlike
// with float16, the loss needs no scaling. Same idea as PyTorch's autocast.
import { DataType } from '../backend';
import { cast, createGraph, type Graph, type Node, typeOf, type Value } from '../graph';
import { rewrite } from './rewrite';
import { fusedNorm, fusedNormGrad } from './batchNorm';

/** Ops that are worth converting for. */
const LOWERED = new Set(['Conv2D', 'Conv2DBackpropFilter', 'Conv2DBackpropInput', 'MatMul']);

/**
 * Of each op that can work in bfloat16: which of its inputs then are. Its first output is, the others stay float32. Sums are
 * not among them, a bias's gradient neither: TensorFlow adds up in the type of the input, and a sum of bfloat16 stands still
 * once it is a few hundred times as large as what is added.
 */
const FOLLOWING: Readonly<Record<string, number[]>> = {
  Conv2D: [0, 1],
  Conv2DBackpropFilter: [0, 2],
  Conv2DBackpropInput: [1, 2],
  MatMul: [0, 1],
  BiasAdd: [0, 1],
  Relu: [0],
  ReluGrad: [0, 1],
  MaxPool: [0],
  MaxPoolGrad: [0, 1, 2],
  FusedBatchNormV3: [0],
  FusedBatchNormGradV3: [0, 1],
  Mul: [0, 1],
  Reshape: [0],
  Transpose: [0],
};

/** A copy of the graph that works in bfloat16 where that pays. Nodes keep their names. */
export function toBfloat16(graphInFloat32: Graph): Graph {
  const source = rewrite(graphInFloat32, [fusedNorm, fusedNormGrad]);
  const graph = createGraph();
  const copies = new Map<Node, Node>();
  const casts = new Map<string, Value>();

  const as = (value: Value, dtype: DataType): Value => {
    if (typeOf(value).dtype === dtype) return value;
    const { node, index } = value;
    if (node.op === 'Cast' && typeOf(node.inputs[0]).dtype === dtype) return node.inputs[0];
    const key = `${node.name}:${index}:${dtype}`;
    let result = casts.get(key);
    if (!result) casts.set(key, (result = cast(graph, value, dtype, `autocast${casts.size}`)));
    return result;
  };

  for (const node of source.nodes) {
    const inputs = node.inputs.map(({ node: from, index }) => ({ node: copies.get(from) ?? from, index }));
    const following = isLowered(node, inputs) ? FOLLOWING[node.op] : [];
    const copy: Node = {
      ...node,
      inputs: inputs.map((value, index) => {
        if (following.includes(index)) return as(value, DataType.bfloat16);
        return typeOf(value).dtype === DataType.bfloat16 ? as(value, DataType.float32) : value;
      }),
      after: node.after.map((other) => copies.get(other) ?? other),
    };
    if (following.length > 0) {
      copy.attributes = { ...node.attributes, T: { type: DataType.bfloat16 } };
      copy.outputs = node.outputs.map((type, index) => (index === 0 ? { ...type, dtype: DataType.bfloat16 } : type));
    }
    graph.nodes.push(copy);
    copies.set(node, copy);
  }
  return graph;
}

function isLowered({ op, outputs }: Node, inputs: Value[]): boolean {
  const following = FOLLOWING[op];
  if (!following || outputs[0].dtype !== DataType.float32) return false;
  if (LOWERED.has(op)) return true;
  const isLow = (value: Value) => typeOf(value).dtype === DataType.bfloat16;
  // A factor that is a variable scalar, such as a learning rate, keeps its precision.
  if (op === 'Mul') return inputs.some(isLow) && inputs.every((value) => isLow(value) || isMask(value));
  return isLow(inputs[following[0]]) || (op === 'ReluGrad' && inputs.some(isLow));
}

/** Dropout masks: exact in bfloat16 but for their scale. */
const isMask = (value: Value): boolean => typeOf(value).shape.length > 1;
