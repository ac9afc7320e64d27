// tf.Variables in a graph: TensorFlow's resource variables, which keep their values between runs.
import type * as tf from '@tensorflow/tfjs-node';
import { dataTypeOf, DataType } from '../backend';
import { addNode, addOp, constant, type Graph, type Node } from '../graph';

/** A variable's nodes in a graph. */
export interface VariableNodes {
  readonly handle: Node;
  /** Feed this and run `initialize` to give the session the variable's value. */
  readonly placeholder: Node;
  readonly initialize: Node;
  /** Fetch this for the session's value. */
  readonly read: Node;
}

export type VariableMap = Map<tf.Variable, VariableNodes>;

/** A variable's nodes; they are added to the graph where they are missing. */
export function placeVariable(variable: tf.Variable, graph: Graph, variables: VariableMap): VariableNodes {
  const known = variables.get(variable);
  if (known) return known;
  const name = `variable${variables.size}`;
  const dtype = dataTypeOf(variable);
  const type = { dtype, shape: variable.shape };
  const attributes = { dtype: { type: dtype }, shape: { shape: variable.shape } };
  const handle = addOp(
    graph,
    'VarHandleOp',
    [],
    { ...attributes, shared_name: { string: name }, container: { string: '' } },
    [{ dtype: DataType.resource, shape: [] }],
    { name },
  );
  const placeholder = addOp(graph, 'Placeholder', [], attributes, [type], { name: `${name}_value` });
  const assign = addNode(graph, 'AssignVariableOp', [handle, placeholder], { dtype: { type: dtype } }, []);
  const done = { dtype: DataType.int32, shape: [] };
  const initialize = addNode(
    graph,
    'Identity',
    [constant(graph, done, new Uint8Array(4))],
    { T: { type: DataType.int32 } },
    [done],
    { name: `${name}_initialize`, after: [assign] },
  );
  const read = addNode(graph, 'ReadVariableOp', [handle], { dtype: { type: dtype } }, [type], { name: `${name}_read` });
  const nodes = { handle: handle.node, placeholder: placeholder.node, initialize, read };
  variables.set(variable, nodes);
  return nodes;
}
