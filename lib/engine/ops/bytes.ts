// uint8 tensors in tfjs's ops. tfjs has no such type and calls them int32, which TensorFlow would refuse: the types are put right
// where an op is executed.
import * as tf from '@tensorflow/tfjs-node';
import { AttributeKind, backend, dataTypeOf, DataType, isDisposed, type OpAttribute, typeAttribute } from '../backend';
import { castAttributes } from './call';

const firstOnly = () => [0];
/**
 * Ops that only move values, and so stay in uint8: which of so many inputs have the type of the attribute T. (Transpose isn't
 * among them: compiled, TensorFlow logs an error for it on CPUs without AVX-512.)
 */
const MOVING: Readonly<Record<string, (inputs: number) => number[]>> = {
  ...each(['Identity', 'MirrorPad', 'OnesLike', 'Reshape', 'ReverseV2', 'Slice', 'SplitV'], firstOnly),
  ...each(['StridedSlice', 'Tile', 'Unpack', 'ZerosLike'], firstOnly),
  PadV2: () => [0, 2],
  Select: () => [1, 2],
  ConcatV2: (inputs) => range(inputs - 1),
  Pack: range,
};
/** The same for ops whose attribute has another name. */
const TYPE_OF: Readonly<Record<string, string>> = { Cast: 'SrcT', GatherV2: 'Tparams' };

type Execute<Result> = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[]) => Result;

/**
 * Executes an op of tfjs on inputs of which some may be uint8: in uint8 where it only moves values, else on int32, as tfjs
 * believes. An op that was told their type (one of ours) is left alone.
 * @throws Error for an input that was disposed
 */
export function withBytes<Result>(
  op: string,
  attributes: OpAttribute[],
  inputs: tf.Tensor[],
  execute: Execute<Result>,
): Result {
  const gone = inputs.find((input) => input instanceof tf.Tensor && isDisposed(input));
  if (gone) throw disposedInput(op, gone);
  if (!inputs.some(isByte)) return execute(op, attributes, inputs);
  const name = TYPE_OF[op];
  if (name) return execute(op, retyped(attributes, name), inputs);
  if (!attributes.some(isInt32)) return execute(op, attributes, inputs);
  const moved = MOVING[op]?.(inputs.length) ?? [];
  // tfjs makes a padding's value itself, as int32.
  const staysByte = moved.length > 0 && moved.every((i) => isByte(inputs[i]) || op === 'PadV2');
  const converted = inputs.map((input, i) => {
    if (staysByte) return moved.includes(i) && !isByte(input) ? convert(input, DataType.uint8) : input;
    return isByte(input) ? convert(input, DataType.int32) : input;
  });
  const result = execute(op, staysByte ? retyped(attributes, 'T') : attributes, converted);
  tf.dispose(converted.filter((input) => !inputs.includes(input)));
  return result;
}

/** Lets tfjs's backend execute all ops that way, and read uint8 tensors, as int32. Call it once. */
export function understandBytes(): void {
  const target = backend();
  const { executeSingleOutput, executeMultipleOutputs, readSync } = target;
  target.readSync = (dataId) => {
    const { dtype, id, values } = target.tensorMap.get(dataId);
    if (dtype !== DataType.uint8 || values) return readSync.call(target, dataId);
    // The binding can't read uint8.
    const [copy] = target.binding.executeOp('Cast', castAttributes(DataType.uint8, DataType.int32), [id], 1);
    try {
      return target.binding.tensorDataSync(copy.id);
    } finally {
      target.binding.deleteTensor(copy.id);
    }
  };
  target.executeSingleOutput = (op, attributes, inputs) =>
    withBytes(op, attributes, inputs, (...call) => executeSingleOutput.apply(target, call));
  target.executeMultipleOutputs = (op, attributes, inputs, count) =>
    withBytes(op, attributes, inputs, (...call) => executeMultipleOutputs.call(target, ...call, count));
}

const isByte = (tensor: tf.Tensor): boolean => tensor.dtype === 'int32' && dataTypeOf(tensor) === DataType.uint8;

const isInt32 = ({ type, value }: OpAttribute): boolean => type === AttributeKind.type && value === DataType.int32;

const retyped = (attributes: OpAttribute[], name: string): OpAttribute[] =>
  attributes.map((attribute) => (attribute.name === name ? typeAttribute(name, DataType.uint8) : attribute));

const convert = (tensor: tf.Tensor, type: DataType): tf.Tensor =>
  backend().executeSingleOutput('Cast', castAttributes(dataTypeOf(tensor), type), [tensor]);

function disposedInput(op: string, tensor: tf.Tensor): Error {
  const what = tensor instanceof tf.Variable ? `the variable ${tensor.name}` : 'a tensor';
  return new Error(
    `TensorFlow's ${op} was given ${what}, which was disposed (by tf.disposeVariables?): make it, or its model, anew.`,
  );
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function each<T>(ops: string[], value: T): Record<string, T> {
  return Object.fromEntries(ops.map((op) => [op, value]));
}
