// Takes down TensorFlow ops as nodes of a graph.
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
import { inferredTypes, shapeRules } from './shapes';
import { placeVariable, type VariableMap, type VariableNodes } from './variables';

export interface Recorder extends OpInterceptor {
  /** A tensor that stands for a value of the graph. */
  symbolOf(this: void, value: Value): tf.Tensor;
  /** What a tensor is in the graph: what it stands for, a variable's value, else a constant. */
  valueOf(this: void, tensor: tf.Tensor): Value;
  /** Gives the graph's variables the values that these `tf.Variable`s have now. */
  assign(this: void, variables: readonly tf.Variable[]): Map<tf.Variable, Node>;
  /** The variables that were read or assigned to. */
  readonly used: ReadonlySet<tf.Variable>;
  /** What was taken for constants, in the order in which it came. */
  readonly constants: readonly Uint8Array[];
  /** The names of the ops, in the order in which they came, with Const for each constant. */
  readonly ops: readonly string[];
}

/** A constant larger than this (64 KiB) belongs into a variable or an argument, unless its values are all alike. */
const LARGEST_CONSTANT = 1 << 14;

/**
 * @param name of the function that is recorded, for errors
 * @param variables where the variables of the graph are; those that are used are added
 * @param before the values of all variables, of which no two share theirs
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
    if (tensor.dtype === 'string') throw new Error(`${name} uses text, which graphs do not hold: run it eagerly.`);
    const type = { dtype: dataTypeOf(tensor), shape };
    const data = backend().readSync(tensor.dataId);
    const isFilled = size > LARGEST_CONSTANT && data.every((value) => Object.is(value, data[0]));
    if (size > LARGEST_CONSTANT && !isFilled) {
      throw new Error(
        `${name} uses a tensor of shape [${shape.join()}] that is neither an argument nor a variable; ` +
          `as a constant of the graph it may have at most ${LARGEST_CONSTANT} values, or all alike. Make it a tf.Variable or an argument.`,
      );
    }
    const bytes = bytesOf(isFilled ? data.slice(0, 1) : data);
    constants.push(bytes.slice());
    ops.push('Const');
    return isFilled ? filled(graph, type, bytes) : constant(graph, type, bytes);
  };

  return {
    used,
    constants,
    ops,
    symbolOf,
    valueOf,
    hasValues: (dataId) => !symbols.has(dataId) && !owners.has(dataId),
    execute(op, opAttributes, tensors) {
      const rule = shapeRules[op];
      if (!rule) {
        throw new Error(
          `${name} uses TensorFlow's ${op}, which can't be compiled: run it eagerly, or add its shape to shapes.ts.`,
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
      const outputs = rule({ inputs, attributes, constant: constantOf });
      const node = addNode(graph, op, operands, attributes, outputs);
      ops.push(op);
      return outputs.map((_, index) => symbolOf({ node, index }));
    },
    assign(assigned) {
      // All that is to be read is read before anything is assigned: it may go into another variable.
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

/** A constant of one value, given by its bytes, again and again. tfjs's gradients of Sum and Mean have large ones. */
function filled(graph: Graph, type: TensorType, bytes: Uint8Array): Value {
  const { dtype, shape } = type;
  const sizes = constant(graph, { dtype: DataType.int32, shape: [shape.length] }, bytesOf(Int32Array.from(shape)));
  const value = constant(graph, { dtype, shape: [] }, bytes);
  const attributes = { T: { type: dtype }, index_type: { type: DataType.int32 } };
  return addOp(graph, 'Fill', [sizes, value], attributes, [type]);
}
