// Records TensorFlow ops as nodes of a graph.
import * as tf from '@tensorflow/tfjs-node';
import { backend, type DataId, dataTypeOf, DataType, symbolicTensor } from '../backend';
import type { OpInterceptor } from './dryRun';
import {
  addNode,
  addOp,
  constant,
  fromOpAttribute,
  type Graph,
  type Node,
  type TensorType,
  typeOf,
  type Value,
} from '../graph';
import { inferredTypes, type OpCall, ShapeError, shapeRules } from './shapes';
import { placeVariable, type VariableMap, type VariableNodes } from './variables';

export interface Recorder extends OpInterceptor {
  /** A tensor that stands for a value of the graph. */
  symbolOf(this: void, value: Value): tf.Tensor;
  /** A tensor's value in the graph: the one that it stands for, a variable's, else a constant. */
  valueOf(this: void, tensor: tf.Tensor): Value;
  /** Gives the graph's variables the values that these `tf.Variable`s have now. */
  assign(this: void, variables: readonly tf.Variable[]): Map<tf.Variable, Node>;
  /** The variables that the function reads or assigns to. */
  readonly used: ReadonlySet<tf.Variable>;
  /** The bytes of all constants, in order. */
  readonly constants: readonly Uint8Array[];
  /** The names of all ops, in order, with Const for each constant. */
  readonly ops: readonly string[];
}

/** Most values of a constant (64 KiB of float32), unless all of its values are equal. */
const LARGEST_CONSTANT = 1 << 14;

/**
 * @param name of the function that is recorded, for errors
 * @param variables the graph's variables; those that the function uses are added
 * @param before the `dataId` of each variable, no two the same
 */
export function createRecorder(
  name: string,
  graph: Graph,
  variables: VariableMap,
  before: ReadonlyMap<tf.Variable, DataId>,
): Recorder {
  const values = new Map<DataId, Value>();
  const symbols = new Set<DataId>();
  const owners = new Map([...before].map(([variable, dataId]) => [dataId, variable]));
  const reads = new Map<tf.Variable, Node>();
  const used = new Set<tf.Variable>();
  const constants: Uint8Array[] = [];
  const ops: string[] = [];

  const symbolOf = (value: Value): tf.Tensor => {
    const { shape, dtype } = typeOf(value);
    const tensor = symbolicTensor(shape, dtype);
    values.set(tensor.dataId, value);
    symbols.add(tensor.dataId);
    return tensor;
  };

  const valueOf = (tensor: tf.Tensor): Value => {
    const known = values.get(tensor.dataId);
    if (known) return known;
    const variable = owners.get(tensor.dataId);
    const value = variable ? readVariable(variable) : captureConstant(tensor);
    values.set(tensor.dataId, value);
    return value;
  };

  const use = (variable: tf.Variable): VariableNodes => {
    used.add(variable);
    return placeVariable(variable, graph, variables);
  };

  const readVariable = (variable: tf.Variable): Value => {
    const inputs = [{ node: use(variable).handle, index: 0 }];
    const dtype = dataTypeOf(variable);
    const type = { dtype, shape: variable.shape };
    const node = addNode(graph, 'ReadVariableOp', inputs, { dtype: { type: dtype } }, [type]);
    reads.set(variable, node);
    return { node, index: 0 };
  };

  const captureConstant = (tensor: tf.Tensor): Value => {
    const { shape, size } = tensor;
    if (tensor.dtype === 'string')
      throw new Error(`${name} uses a string tensor, which a graph can't hold: run it eagerly.`);
    const type = { dtype: dataTypeOf(tensor), shape };
    const data = backend().readSync(tensor.dataId);
    const isFilled = size > LARGEST_CONSTANT && data.every((value) => Object.is(value, data[0]));
    if (size > LARGEST_CONSTANT && !isFilled) {
      throw new Error(
        `${name} uses a tensor of shape [${shape.join()}] that is neither an argument nor a variable; ` +
          `as a constant of the graph it may have at most ${LARGEST_CONSTANT} values, or all equal. Make it a tf.Variable or an argument.`,
      );
    }
    const bytes = bytesOf(isFilled ? data.slice(0, 1) : data);
    constants.push(bytes.slice());
    ops.push('Const');
    return isFilled ? filled(graph, type, bytes) : constant(graph, type, bytes);
  };

  const outputsOf = (op: string, call: OpCall): TensorType[] => {
    try {
      return shapeRules[op](call);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      const shapes = call.inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ');
      throw new Error(`${name}: ${op} was given the shapes ${shapes}; ${error.message}.`, { cause: error });
    }
  };

  return {
    used,
    constants,
    ops,
    symbolOf,
    valueOf,
    hasValues: (dataId) => !symbols.has(dataId) && !owners.has(dataId),
    execute(op, opAttributes, tensors) {
      if (!shapeRules[op]) {
        throw new Error(
          `${name} uses TensorFlow's ${op}, which can't be compiled: run it eagerly, or add its rule to shapes.ts.`,
        );
      }
      const operands = tensors.map(valueOf);
      // tfjs casts in its gradients, mostly to the type that there is.
      if (
        op === 'Cast' &&
        opAttributes.some(({ name, value }) => name === 'DstT' && value === typeOf(operands[0]).dtype)
      )
        return [symbolOf(operands[0])];
      const inputs = operands.map(typeOf);
      const attributes = Object.fromEntries(
        opAttributes.map((attribute) => [attribute.name, fromOpAttribute(attribute)]),
      );
      const { data_format: format } = attributes;
      if (format && 'string' in format && format.string !== 'NHWC') {
        throw new Error(
          `${name} uses TensorFlow's ${op} on images laid out as ${format.string}, which can't be compiled: transpose them ` +
            'to [N, H, W, C].',
        );
      }
      for (const [key, type] of Object.entries(inferredTypes[op]?.(inputs) ?? {})) attributes[key] = { type };
      const constantOf = (index: number) => Array.from(backend().readSync(tensors[index].dataId));
      const outputs = outputsOf(op, { inputs, attributes, constant: constantOf });
      const node = addNode(graph, op, operands, attributes, outputs);
      ops.push(op);
      return outputs.map((_, index) => symbolOf({ node, index }));
    },
    assign(assigned) {
      // Read all new values before assigning: one may be another variable's old value.
      const next = assigned.map(valueOf);
      return new Map(
        assigned.map((variable, index) => {
          const inputs = [{ node: use(variable).handle, index: 0 }, next[index]];
          const attributes = { dtype: { type: dataTypeOf(variable) } };
          const read = reads.get(variable);
          return [variable, addNode(graph, 'AssignVariableOp', inputs, attributes, [], { after: read ? [read] : [] })];
        }),
      );
    },
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: tf.TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** A constant whose values are all equal, given one value's bytes. tfjs's gradients of Sum and Mean have large ones. */
function filled(graph: Graph, type: TensorType, bytes: Uint8Array): Value {
  const { dtype, shape } = type;
  const sizes = constant(graph, { dtype: DataType.int32, shape: [shape.length] }, bytesOf(Int32Array.from(shape)));
  const value = constant(graph, { dtype, shape: [] }, bytes);
  const attributes = { T: { type: dtype }, index_type: { type: DataType.int32 } };
  return addOp(graph, 'Fill', [sizes, value], attributes, [type]);
}
