// Records what a function does with tensors, as nodes of a graph. Nothing is computed while tracing: tensors have shapes
// and no values, and variables are put back afterwards.
import * as tf from '@tensorflow/tfjs-node';
import { namedTensors } from './arguments';
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
  /** The variables that the function uses. */
  readonly variables: Set<tf.Variable>;
  /** Those that it assigns to, and how. */
  readonly updates: Map<tf.Variable, Node>;
}

/** A constant larger than this (64 KiB) belongs into a variable or an argument, unless its values are all alike. */
const LARGEST_CONSTANT = 1 << 14;

/** What a tensor made by JavaScript while tracing holds, to see whether it is the same next time. */
type Constants = Map<string, Uint8Array>;

const engine = tf.engine();

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
      throw differentNumbers(name);
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
  const used = new Set<tf.Variable>();
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

  const use = (variable: tf.Variable): VariableNodes => {
    used.add(variable);
    return placeVariable(variable, graph, variables);
  };

  const readVariable = (variable: tf.Variable): Value => {
    const { handle } = use(variable);
    const dtype = dataTypeOf(variable);
    const read = addNode(graph, 'ReadVariableOp', [{ node: handle, index: 0 }], { dtype: { type: dtype } }, [
      { dtype, shape: variable.shape },
    ]);
    reads.set(variable, read);
    return { node: read, index: 0 };
  };

  const captureConstant = (tensor: tf.Tensor): Value => {
    const { dtype: kind, shape, size } = tensor;
    if (kind === 'string') throw new Error(`${name} uses text, which graphs do not hold: run it eagerly.`);
    const dtype = dataTypeOf(tensor);
    const data = readSync.call(backend, tensor.dataId);
    const isFilled = size > LARGEST_CONSTANT && data.every((value) => Object.is(value, data[0]));
    if (size > LARGEST_CONSTANT && !isFilled) {
      throw new Error(
        `${name} uses a tensor of shape [${shape.join()}] that is neither an argument nor a variable; ` +
          `as a constant of the graph it may have at most ${LARGEST_CONSTANT} values, or all alike. Make it a tf.Variable or an argument.`,
      );
    }
    const bytes = bytesOf(isFilled ? data.slice(0, 1) : data);
    constants.set(`${constants.size}`, bytes.slice());
    return isFilled ? filled(graph, { dtype, shape }, bytes) : constant(graph, { dtype, shape }, bytes);
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
    for (const [key, type] of Object.entries(inferredTypes[op]?.(types) ?? {})) attributes[key] = { type };
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

  const placeholders = inputTypes.map(({ dtype, shape }) =>
    addNode(graph, 'Placeholder', [], { dtype: { type: dtype }, shape: { shape } }, [{ dtype, shape }]),
  );
  const symbols = inputTypes.map(({ dtype, shape }) => symbolicTensor(shape, dtype));
  symbols.forEach((tensor, index) => values.set(tensor.dataId, { node: placeholders[index], index: 0 }));
  // Assigning to a variable lets go of its values: hold them until they are put back.
  for (const dataId of before.values()) backend.incRef(dataId);
  const { readSync } = backend;
  const trackTensor = engine.trackTensor.bind(engine);
  /** With those that tfjs keeps for gradients, and forgets where an error ends them. */
  const made: tf.Tensor[] = [];
  const traps = [
    override(backend, {
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
        return readSync.call(backend, dataId);
      },
    }),
    override(engine, {
      makeVariable: ({ shape }) => {
        throw new Error(
          `${name} makes a variable of shape [${shape.join()}] on its way: make variables before compiling. ` +
            'If an optimiser of tf.train makes it, take one step eagerly before compiling.',
        );
      },
      trackTensor: (tensor, from) => {
        if (!(tensor instanceof tf.Variable)) made.push(tensor);
        trackTensor(tensor, from);
      },
    }),
    override(Math, {
      random: () => {
        throw differentNumbers(name);
      },
    }),
  ];
  engine.startScope(name);
  try {
    const outputs = Object.fromEntries(namedTensors(name, fn(...symbols)).map(([key, value]) => [key, valueOf(value)]));
    const assigned = [...before]
      .filter(([variable, dataId]) => variable.dataId !== dataId)
      .map(([variable]) => variable);
    // All that is to be read is read before anything is assigned: it may go into another variable.
    for (const variable of assigned) valueOf(variable);
    const updates = new Map<tf.Variable, Node>();
    for (const variable of assigned) {
      const { handle } = use(variable);
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
    return { trace: { inputs: placeholders, outputs, variables: used, updates }, constants };
  } catch (error) {
    tf.dispose(made);
    throw error;
  } finally {
    engine.endScope();
    for (const putBack of traps) putBack();
    for (const [variable, dataId] of before) {
      if (variable.dataId === dataId) backend.disposeData(dataId);
      else setVariableData(variable, dataId);
    }
    tf.dispose(symbols);
  }
}

/** Puts other methods in the place of an object's own; what it returns puts those back. */
function override<T extends object>(target: T, methods: Partial<T>): () => void {
  const own = Object.fromEntries(Object.keys(methods).map((key) => [key, target[key as keyof T]]));
  Object.assign(target, methods);
  return () => void Object.assign(target, own);
}

const differentNumbers = (name: string): Error =>
  new Error(
    `${name} makes different numbers in JavaScript each time (Math.random, tf.randomUniform, tf.layers.dropout?): ` +
      'compiled, they would be the same at every step. Pass them as arguments, or draw them with statelessUniform.',
  );

const bytesOf = ({ buffer, byteOffset, byteLength }: tf.TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** A constant of one value, given by its bytes, again and again. tfjs's gradients of Sum and Mean have large ones. */
function filled(graph: Graph, type: TensorType, bytes: Uint8Array): Value {
  const { dtype, shape } = type;
  const sizes = constant(graph, { dtype: DataType.int32, shape: [shape.length] }, bytesOf(Int32Array.from(shape)));
  const value = constant(graph, { dtype, shape: [] }, bytes);
  const attributes = { T: { type: dtype }, index_type: { type: DataType.int32 } };
  return addOp(graph, 'Fill', [sizes, value], attributes, [type]);
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
