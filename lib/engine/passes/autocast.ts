// bfloat16 as a pass over a graph: convolutions, matrix products and what lies between them in bfloat16; variables, statistics,
// losses and updates stay in float32. bfloat16 has float32's range with 8 bits of precision, so that, unlike with float16, the
// loss needs no scaling. Same idea as PyTorch's autocast; the lists have TensorFlow's names (auto_mixed_precision_lists.h).
import { DataType } from '../backend';
import { cast, createGraph, type Graph, type Node, typeOf, type Value } from '../graph';
import { isInts, isTrue, rewrite } from './rewrite';
import { fusedNorm, fusedNormGrad } from './fusedBatchNorm';

/** Ops that are worth converting for, and which of their inputs to cast to bfloat16. */
const ALLOW_LIST: Readonly<Record<string, number[]>> = {
  Conv2D: [0, 1],
  Conv2DBackpropFilter: [0, 2],
  Conv2DBackpropInput: [1, 2],
  MatMul: [0, 1],
  BatchMatMulV2: [0, 1],
};

/**
 * Ops that work in bfloat16 where their first listed input already is: the inputs to cast. Output 0 becomes bfloat16, others stay
 * float32. Sums and means are not among them, nor the gradient of a bias: TensorFlow adds up in the type of the input, and a
 * sum in bfloat16 stops growing once it is a few hundred times as large as its terms.
 */
const INFER_LIST: Readonly<Record<string, number[]>> = {
  BiasAdd: [0, 1],
  Relu: [0],
  ReluGrad: [0, 1],
  MaxPool: [0],
  MaxPoolGrad: [0, 1, 2],
  AvgPool: [0],
  AvgPoolGrad: [1],
  FusedBatchNormV3: [0],
  FusedBatchNormGradV3: [0, 1],
  Reshape: [0],
  Transpose: [0],
  Slice: [0],
  PadV2: [0, 2],
  MirrorPad: [0],
};

/** Ops that do so where all of their inputs are bfloat16, such as the sum at the end of a residual block. */
const JOIN_LIST: Readonly<Record<string, (inputs: number) => number[]>> = {
  Add: all,
  AddV2: all,
  AddN: all,
  Sub: all,
  Mul: all,
  ConcatV2: (inputs) => all(inputs - 1),
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
    const lowered = inputsToCast(node, inputs);
    const copy: Node = {
      ...node,
      inputs: inputs.map((value, index) => {
        if (lowered.includes(index)) return as(value, DataType.bfloat16);
        return typeOf(value).dtype === DataType.bfloat16 ? as(value, DataType.float32) : value;
      }),
      after: node.after.map((other) => copies.get(other) ?? other),
    };
    if (lowered.length > 0) {
      copy.attributes = { ...node.attributes, T: { type: DataType.bfloat16 } };
      copy.outputs = node.outputs.map((type, index) => (index === 0 ? { ...type, dtype: DataType.bfloat16 } : type));
    }
    graph.nodes.push(copy);
    copies.set(node, copy);
  }
  return graph;
}

/** The inputs to cast to bfloat16; none for an op that stays in float32. */
function inputsToCast(node: Node, inputs: Value[]): number[] {
  const { op } = node;
  if (node.outputs[0]?.dtype !== DataType.float32) return [];
  if (op in ALLOW_LIST) return ALLOW_LIST[op];
  const isLow = (index: number) => isActivation(inputs[index]);
  if (op in JOIN_LIST) {
    const joined = JOIN_LIST[op](inputs.length);
    const fits = (index: number) => isLow(index) || (op === 'Mul' && isDropoutMask(inputs[index]));
    return joined.some(isLow) && joined.every(fits) ? joined : [];
  }
  const inferred = INFER_LIST[op] ?? [];
  const isInferred = op === 'ReluGrad' ? inferred.some(isLow) : inferred.length > 0 && isLow(inferred[0]);
  return isInferred && isShortSum(node) ? inferred : [];
}

/** A value in bfloat16 that is no gradient of weights: from there on, an optimizer works in float32. */
const isActivation = (value: Value): boolean =>
  typeOf(value).dtype === DataType.bfloat16 && !isWeightGradient(value.node);

const isWeightGradient = ({ op, attributes }: Node): boolean =>
  op === 'Conv2DBackpropFilter' || (op === 'MatMul' && isTrue(attributes.transpose_a));

/** Of comparisons, scaled: exact in bfloat16 but for the scale. Other factors, such as attention's, keep their precision. */
function isDropoutMask({ node: { op, inputs } }: Value): boolean {
  if (op === 'Cast') return typeOf(inputs[0]).dtype === DataType.bool || isDropoutMask(inputs[0]);
  if (op === 'Reshape') return isDropoutMask(inputs[0]);
  return ['Div', 'RealDiv', 'Mul'].includes(op) && typeOf(inputs[1]).shape.length === 0 && isDropoutMask(inputs[0]);
}

/** Average pooling is a sum, too: short ones lose no more than rounding. */
const isShortSum = ({ op, attributes: { ksize } }: Node): boolean =>
  !op.startsWith('AvgPool') || [2, 3].some((size) => isInts(ksize, [1, size, size, 1]));

function all(inputs: number): number[] {
  return Array.from({ length: inputs }, (_, index) => index);
}
