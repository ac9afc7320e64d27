// Records what a function does with tensors, as nodes of a graph. Nothing is computed while tracing: tensors have shapes
// and no values, and variables are put back afterwards.
import * as tf from '@tensorflow/tfjs-node';
import {
  backend,
  type DataId,
  dataTypeOf,
  DataType,
  liveVariables,
  type OpAttribute,
  separateVariables,
  setVariableData,
  symbolicTensor,
} from './backend';
import {
  addNode,
  addOp,
  constant,
  createGraph,
  fromOpAttribute,
  type Graph,
  type Node,
  type TensorType,
  type Value,
} from './graph';
import { inferredTypes, shapeRules } from './shapes';

/** What can be compiled: tensors in, named tensors out. */
export type TensorFunction = (...inputs: tf.Tensor[]) => Record<string, tf.Tensor>;

/** A variable's place in a graph. */
export interface VariableNodes {
  readonly handle: Node;
  /** Feed this and run `initialise` to give the session the variable's value. */
  readonly placeholder: Node;
  readonly initialise: Node;
  /** Fetch this for the session's value. */
  readonly read: Node;
}

export type VariableMap = Map<tf.Variable, VariableNodes>;

export interface Trace {
  readonly inputs: Node[];
  readonly outputs: Record<string, Value>;
  /** The variables that the function assigns to, and how. */
  readonly updates: Map<tf.Variable, Node>;
}

/** A constant larger than this (64 KiB) belongs into a variable or an argument. */
const LARGEST_CONSTANT = 1 << 14;

/** What a tensor made by JavaScript while tracing holds, to see whether it is the same next time. */
type Constants = Map<string, Uint8Array>;

/**
 * Adds what `fn` does to the graph.
 * @param inputs types of the arguments that `fn` is called with
 * @param variables where the variables of the graph are; those that `fn` uses are added
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
  let rehearsal, result;
  try {
    rehearsal = record(fn, inputs, createGraph(), new Map(), name);
    result = record(fn, inputs, draft, places, name);
  } finally {
    shareAgain();
  }
  for (const [key, bytes] of result.constants) {
    if (Buffer.compare(bytes, rehearsal.constants.get(key) ?? new Uint8Array()) !== 0) {
      throw new Error(
        `${name} makes different numbers in JavaScript each time (Math.random, tf.randomUniform, tf.layers.dropout?): ` +
          'compiled, they would be the same at every step. Pass them as arguments, or draw them with statelessUniform.',
      );
    }
  }
  graph.nodes = draft.nodes;
  for (const [content, value] of draft.constants) graph.constants.set(content, value);
  for (const [variable, nodes] of places) variables.set(variable, nodes);
  return result.trace;
}

function record(
  fn: TensorFunction,
  inputTypes: TensorType[],
  graph: Graph,
  variables: VariableMap,
  name: string,
): { trace: Trace; constants: Constants } {
  const values = new Map<DataId, Value>();
  const reads = new Map<tf.Variable, Node>();
  const constants: Constants = new Map();
  const before = new Map(liveVariables().map((variable) => [variable, variable.dataId]));
  // No two share their values: see trace.
  const owner = new Map([...before].map(([variable, dataId]) => [dataId, variable]));

  const valueOf = (tensor: tf.Tensor): Value => {
    const known = values.get(tensor.dataId);
    if (known) return known;
    const variable = owner.get(tensor.dataId);
    const value = variable ? readVariable(variable) : captureConstant(tensor);
    values.set(tensor.dataId, value);
    return value;
  };

  const readVariable = (variable: tf.Variable): Value => {
    const { handle } = placeVariable(variable, graph, variables);
    const dtype = dataTypeOf(variable);
    const read = addNode(graph, 'ReadVariableOp', [{ node: handle, index: 0 }], { dtype: { type: dtype } }, [
      { dtype, shape: variable.shape },
    ]);
    reads.set(variable, read);
    return { node: read, index: 0 };
  };

  const captureConstant = (tensor: tf.Tensor): Value => {
    if (tensor.size > LARGEST_CONSTANT) {
      throw new Error(
        `${name} uses a tensor of shape [${tensor.shape.join()}] that is neither an argument nor a variable; ` +
          `as a constant of the graph it may have at most ${LARGEST_CONSTANT} values. Make it a tf.Variable or an argument.`,
      );
    }
    const data = original.readSync.call(backend, tensor.dataId);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    constants.set(`${constants.size}`, bytes.slice());
    return constant(graph, { dtype: dataTypeOf(tensor), shape: tensor.shape }, bytes);
  };

  const execute = (op: string, opAttributes: OpAttribute[], tensors: tf.Tensor[]): tf.Tensor[] => {
    const rule = shapeRules[op];
    if (!rule) {
      throw new Error(
        `${name} uses TensorFlow's ${op}, which can't be compiled: run it eagerly, or add its shape to shapes.ts.`,
      );
    }
    const operands = tensors.map(valueOf);
    const types = tensors.map((tensor, i) => ({
      dtype: operands[i].node.outputs[operands[i].index].dtype,
      shape: tensor.shape,
    }));
    const attributes = Object.fromEntries(
      opAttributes.map((attribute) => [attribute.name, fromOpAttribute(attribute)]),
    );
    for (const [key, type] of Object.entries(inferredTypes[op]?.(types) ?? {})) attributes[key] ??= { type };
    const outputs = rule({
      inputs: types,
      attributes,
      constant: (index) => Array.from(backend.readSync(tensors[index].dataId)),
    });
    const node = addNode(graph, op, operands, attributes, outputs);
    return outputs.map(({ dtype, shape }, index) => {
      const tensor = symbolicTensor(shape, dtype);
      values.set(tensor.dataId, { node, index });
      return tensor;
    });
  };

  const original = {
    executeSingleOutput: backend.executeSingleOutput,
    executeMultipleOutputs: backend.executeMultipleOutputs,
    readSync: backend.readSync,
  };
  const placeholders = inputTypes.map(({ dtype, shape }, index) =>
    addNode(graph, 'Placeholder', [], { dtype: { type: dtype }, shape: { shape } }, [{ dtype, shape }], {
      name: `${name}_input${index}_${graph.nodes.length}`,
    }),
  );
  const symbols = inputTypes.map(({ dtype, shape }) => symbolicTensor(shape, dtype));
  symbols.forEach((tensor, index) => values.set(tensor.dataId, { node: placeholders[index], index: 0 }));
  // Assigning to a variable lets go of its values: hold them until they are put back.
  for (const dataId of before.values()) backend.incRef(dataId);
  Object.assign(backend, {
    executeSingleOutput: (op: string, attributes: OpAttribute[], tensors: tf.Tensor[]) =>
      execute(op, attributes, tensors)[0],
    executeMultipleOutputs: execute,
    readSync: (dataId: DataId) => {
      const value = values.get(dataId);
      if ((value && value.node.op !== 'Const') || owner.has(dataId)) {
        throw new Error(
          `${name} reads a tensor back to JavaScript (dataSync, arraySync, print, an if on its value): ` +
            'while it is compiled there are no values yet. Return the tensor, or run the function eagerly.',
        );
      }
      return original.readSync.call(backend, dataId);
    },
  });
  tf.engine().startScope(name);
  try {
    const outputs = Object.fromEntries(Object.entries(fn(...symbols)).map(([key, tensor]) => [key, valueOf(tensor)]));
    const made = liveVariables().find((variable) => !before.has(variable));
    if (made) throw new Error(`${name} makes the variable ${made.name} on its way: make variables before compiling.`);
    const updates = new Map<tf.Variable, Node>();
    for (const [variable, dataId] of before) {
      if (variable.dataId === dataId) continue;
      const { handle } = placeVariable(variable, graph, variables);
      const after = reads.get(variable);
      const assign = addNode(
        graph,
        'AssignVariableOp',
        [{ node: handle, index: 0 }, valueOf(variable)],
        { dtype: { type: dataTypeOf(variable) } },
        [],
        { after: after ? [after] : [] },
      );
      updates.set(variable, assign);
    }
    return { trace: { inputs: placeholders, outputs, updates }, constants };
  } finally {
    tf.engine().endScope();
    Object.assign(backend, original);
    tf.dispose(liveVariables().filter((variable) => !before.has(variable)));
    for (const [variable, dataId] of before) {
      if (variable.dataId === dataId) backend.disposeData(dataId);
      else setVariableData(variable, dataId);
    }
    tf.dispose(symbols);
  }
}

function placeVariable(variable: tf.Variable, graph: Graph, variables: VariableMap): VariableNodes {
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
  const done = constant(graph, { dtype: DataType.int32, shape: [] }, new Uint8Array(4));
  const nodes = {
    handle: handle.node,
    placeholder: placeholder.node,
    initialise: addNode(
      graph,
      'Identity',
      [done],
      { T: { type: DataType.int32 } },
      [{ dtype: DataType.int32, shape: [] }],
      {
        name: `${name}_initialise`,
        after: [assign],
      },
    ),
    read: addNode(graph, 'ReadVariableOp', [handle], { dtype: { type: dtype } }, [type], { name: `${name}_read` }),
  };
  variables.set(variable, nodes);
  return nodes;
}
