// Other ops in place of a graph's, node by node.
import { DataType } from '../backend';
import { type Attribute, type Graph, type Node, typeOf, type Value } from '../graph';

/**
 * What stands in a node's place, with its name; undefined where the rule is for others. The nodes that it looks at are those
 * of the graph as it was.
 */
export type Rule = (node: Node, usersOf: UsersOf) => Node | undefined;

/** The nodes that take an output of a node (its first, unless said), each as often as it takes it. */
export type UsersOf = (node: Node, output?: number) => readonly Node[];

/** A copy of the graph in which each node was replaced by the first rule that knows it. */
export function rewrite(graph: Graph, rules: readonly Rule[]): Graph {
  const latest = new Map<Node, Node>();
  const now = (node: Node): Node => latest.get(node) ?? node;
  const usersOf = usersIn(graph);
  for (const node of graph.nodes) {
    const { inputs, after, ...rest } = firstOf(rules, node, usersOf) ?? node;
    const values = inputs.map(({ node: from, index }) => ({ node: now(from), index }));
    latest.set(node, { ...rest, inputs: values, after: after.map(now) });
  }
  return { ...graph, nodes: graph.nodes.map(now) };
}

function usersIn(graph: Graph): UsersOf {
  const users = new Map<Node, Node[][]>();
  for (const user of graph.nodes) {
    for (const { node, index } of user.inputs) {
      const byOutput = users.get(node) ?? [];
      users.set(node, byOutput);
      (byOutput[index] ??= []).push(user);
    }
  }
  return (node, output = 0) => users.get(node)?.[output] ?? [];
}

function firstOf(rules: readonly Rule[], node: Node, usersOf: UsersOf): Node | undefined {
  for (const rule of rules) {
    const replacement = rule(node, usersOf);
    if (replacement) return replacement;
  }
  return undefined;
}

/** Where a value comes from, before it was reshaped in a way that keeps its channels, which are the last axis. */
export function beforeReshapes(value: Value): Value {
  const channels = ({ shape }: { shape: number[] }) => shape[shape.length - 1];
  let source = value;
  while (source.node.op === 'Reshape' && channels(typeOf(source.node.inputs[0])) === channels(typeOf(value)))
    source = source.node.inputs[0];
  return source;
}

/** A value of this shape that another one was reshaped from, or that one itself; undefined where there is none. */
export function reshapedFrom(value: Value, shape: number[]): Value | undefined {
  if (typeOf(value).shape.join() === shape.join()) return value;
  return value.node.op === 'Reshape' ? reshapedFrom(value.node.inputs[0], shape) : undefined;
}

export const inputShape = (node: Node, index: number): number[] => typeOf(node.inputs[index]).shape;
export const outputShape = (node: Node): number[] => node.outputs[0].shape;
export const isFloat32 = (node: Node): boolean => node.outputs[0].dtype === DataType.float32;
export const isEmpty = (shape: number[]): boolean => shape.includes(0);

type Optional = Attribute | undefined;
export const isTrue = (attribute: Optional): boolean =>
  attribute !== undefined && 'bool' in attribute && attribute.bool;
export const isText = (attribute: Optional, text: string): boolean =>
  attribute !== undefined && 'string' in attribute && attribute.string === text;
export const isInts = (attribute: Optional, ints: number[]): boolean =>
  attribute !== undefined && 'ints' in attribute && attribute.ints.join() === ints.join();
