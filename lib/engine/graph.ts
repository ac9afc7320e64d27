// A TensorFlow graph as plain objects. (session.ts serializes it.)
import { AttributeKind, DataType, type OpAttribute } from './backend';

/** One output of a node. */
export interface Value {
  readonly node: Node;
  readonly index: number;
}

export interface TensorType {
  readonly dtype: DataType;
  readonly shape: number[];
}

/** One op of the graph. */
export interface Node {
  readonly name: string;
  readonly op: string;
  inputs: Value[];
  attributes: Record<string, Attribute>;
  outputs: TensorType[];
  /** Control dependencies: nodes that must run before. */
  readonly after: Node[];
}

/** TensorFlow's AttrValue (`attr_value.proto`). */
export type Attribute =
  | { type: DataType }
  | { int: number }
  | { ints: number[] }
  | { float: number }
  | { bool: boolean }
  | { string: string }
  | { shape: number[] }
  | { tensor: TensorType & { bytes: Uint8Array } };

/** Nodes in topological order. */
export interface Graph {
  nodes: Node[];
  /** Small constants by content: equal ones are one node. */
  readonly constants: Map<string, Value>;
}

export const createGraph = (): Graph => ({ nodes: [], constants: new Map() });

export const typeOf = ({ node, index }: Value): TensorType => node.outputs[index];

/** Adds an op; its name is made from its number, unless given. */
export function addNode(
  graph: Graph,
  op: string,
  inputs: Value[],
  attributes: Record<string, Attribute>,
  outputs: TensorType[],
  { name = `${op}_${graph.nodes.length}`, after = [] }: { name?: string; after?: Node[] } = {},
): Node {
  const node = { name, op, inputs, attributes, outputs, after };
  graph.nodes.push(node);
  return node;
}

/** Adds an op with one output and gives that output. */
export const addOp = (...args: Parameters<typeof addNode>): Value => ({ node: addNode(...args), index: 0 });

/** A constant; small equal ones are shared. */
export function constant(graph: Graph, { dtype, shape }: TensorType, bytes: Uint8Array): Value {
  const key = bytes.length <= 256 ? `${dtype}|${shape.join()}|${Buffer.from(bytes).toString('hex')}` : undefined;
  const known = key === undefined ? undefined : graph.constants.get(key);
  if (known) return known;
  const attributes = { dtype: { type: dtype }, value: { tensor: { dtype, shape, bytes: bytes.slice() } } };
  const value = addOp(graph, 'Const', [], attributes, [{ dtype, shape }]);
  if (key !== undefined) graph.constants.set(key, value);
  return value;
}

/** A copy of a constant's bytes; undefined for any other value. */
export function constantBytes({ node: { attributes } }: Value): Uint8Array | undefined {
  const { value } = attributes;
  return value !== undefined && 'tensor' in value ? value.tensor.bytes.slice() : undefined;
}

/** A value, cast to another type. */
export const cast = (graph: Graph, value: Value, dtype: DataType, name: string): Value => {
  const { dtype: from, shape } = typeOf(value);
  const attributes = { SrcT: { type: from }, DstT: { type: dtype }, Truncate: { bool: false } };
  return addOp(graph, 'Cast', [value], attributes, [{ dtype, shape }], { name });
};

/** An attribute in the graph's form, from tfjs's. */
export function fromOpAttribute({ name, type, value }: OpAttribute): Attribute {
  switch (type) {
    case AttributeKind.type:
      return { type: value as DataType };
    case AttributeKind.int:
      return Array.isArray(value) ? { ints: value as number[] } : { int: value as number };
    case AttributeKind.float:
      return { float: value as number };
    case AttributeKind.bool:
      return { bool: value as boolean };
    case AttributeKind.string:
      return { string: value as string };
    case AttributeKind.shape:
      return { shape: value as number[] };
    default:
      throw new Error(`attribute ${name} has the kind ${type}, which a graph can't hold`);
  }
}
