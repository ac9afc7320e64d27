// Replaces ops of a graph, node by node.
import { DataType } from '../backend';
import { type Attribute, type Graph, type Node, typeOf, type Value } from '../graph';

/**
 * The replacement of a node (same name), or undefined if the rule does not match. Rules see the graph before any replacement.
 */
export type Rule = (node: Node, usersOf: UsersOf) => Node | undefined;

/** The nodes that take an output of a node (the first by default), with multiplicity. */
export type UsersOf = (node: Node, output?: number) => readonly Node[];

/** A copy of the graph in which each node is replaced by the first rule that matches it. */
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

/** The value before all reshapes that keep the last axis, the channels. */
export function beforeReshapes(value: Value): Value {
  const channels = ({ shape }: { shape: number[] }) => shape[shape.length - 1];
  let source = value;
  while (source.node.op === 'Reshape' && channels(typeOf(source.node.inputs[0])) === channels(typeOf(value)))
    source = source.node.inputs[0];
  return source;
}

/** A value of this shape that `value` was reshaped from, or `value` itself; undefined if there is none. */
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
