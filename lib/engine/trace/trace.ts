// Records what a function does with tensors, as nodes of a graph. Nothing is computed while tracing: tensors have shapes and no
// values, and variables are restored afterwards. A function is traced twice: what differs would be frozen by the graph.
import * as tf from '@tensorflow/tfjs-node';
import { namedTensors } from '../arguments';
import { liveVariables, separateVariables } from '../backend';
import { differentNumbers, dryRun } from './dryRun';
import { addNode, createGraph, type Graph, type Node, type TensorType, type Value } from '../graph';
import { createRecorder } from './recorder';
import type { VariableMap } from './variables';

/** What can be compiled: tensors in, named tensors out. */
export type TensorFunction = (...inputs: tf.Tensor[]) => Record<string, tf.Tensor>;

export interface Trace {
  readonly inputs: Node[];
  readonly outputs: Record<string, Value>;
  /** The variables that the function uses. */
  readonly variables: ReadonlySet<tf.Variable>;
  /** The variables that it assigns to, with the assigning nodes. */
  readonly updates: ReadonlyMap<tf.Variable, Node>;
}

/**
 * Adds the ops of `fn` to the graph.
 * @param inputs types of the arguments
 * @param variables the graph's variables; those that `fn` uses are added
 * @throws when `fn` does what a graph can't: the message says what, and what to do instead; nothing is added then
 */
export function trace(
  fn: TensorFunction,
  inputs: TensorType[],
  graph: Graph,
  variables: VariableMap,
  name: string,
): Trace {
  const draft = { nodes: [...graph.nodes], constants: new Map(graph.constants) };
  const places = new Map(variables);
  const shareAgain = separateVariables();
  let firstTrace, secondTrace;
  try {
    firstTrace = record(fn, inputs, createGraph(), new Map(), name);
    secondTrace = record(fn, inputs, draft, places, name);
  } finally {
    shareAgain();
  }
  if (firstTrace.ops.join() !== secondTrace.ops.join()) {
    throw new Error(
      `${name} does something else each time (a counter, the clock, an if on a random number?): compiled, it would do the ` +
        'same at every step. Pass what changes as an argument.',
    );
  }
  secondTrace.constants.forEach((bytes, index) => {
    if (Buffer.compare(bytes, firstTrace.constants[index]) !== 0) throw differentNumbers(name);
  });
  graph.nodes = draft.nodes;
  for (const [content, value] of draft.constants) graph.constants.set(content, value);
  for (const [variable, nodes] of places) variables.set(variable, nodes);
  return secondTrace.trace;
}

function record(
  fn: TensorFunction,
  inputs: TensorType[],
  graph: Graph,
  variables: VariableMap,
  name: string,
): { trace: Trace; constants: readonly Uint8Array[]; ops: readonly string[] } {
  const before = new Map(liveVariables().map((variable) => [variable, variable.dataId]));
  const recorder = createRecorder(name, graph, variables, before);
  const placeholders = inputs.map(({ dtype, shape }) =>
    addNode(graph, 'Placeholder', [], { dtype: { type: dtype }, shape: { shape } }, [{ dtype, shape }]),
  );
  const symbols = placeholders.map((node) => recorder.symbolOf({ node, index: 0 }));
  try {
    const { outputs, updates } = dryRun(name, before, recorder, () => {
      const results = namedTensors(name, fn(...symbols));
      const outputs = Object.fromEntries(results.map(([key, tensor]) => [key, recorder.valueOf(tensor)]));
      const assigned = [...before.keys()].filter((variable) => variable.dataId !== before.get(variable));
      return { outputs, updates: recorder.assign(assigned) };
    });
    const { used, constants, ops } = recorder;
    return { trace: { inputs: placeholders, outputs, variables: used, updates }, constants, ops };
  } finally {
    tf.dispose(symbols);
  }
}
