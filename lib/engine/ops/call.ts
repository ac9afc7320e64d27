// Calls an op by name, TensorFlow's or one of ours, with attributes as the binding takes them.
import type * as tf from '@tensorflow/tfjs-node';
import { AttributeKind, backend, DataType, type OpAttribute, typeAttribute } from '../backend';

export const floatAttr = (name: string, value: number): OpAttribute => ({ name, type: AttributeKind.float, value });
export const intAttr = (name: string, value: number): OpAttribute => ({ name, type: AttributeKind.int, value });
export const boolAttr = (name: string, value: boolean): OpAttribute => ({ name, type: AttributeKind.bool, value });
export const stringAttr = (name: string, value: string): OpAttribute => ({ name, type: AttributeKind.string, value });

export const executeOp = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor =>
  backend().executeSingleOutput(op, attributes, inputs);
export const executeOps = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[], count: number): tf.Tensor[] =>
  backend().executeMultipleOutputs(op, attributes, inputs, count);

export const T_FLOAT32 = typeAttribute('T', DataType.float32);
export const U_FLOAT32 = typeAttribute('U', DataType.float32);
export const NHWC = stringAttr('data_format', 'NHWC');
export const castAttributes = (from: DataType, to: DataType): OpAttribute[] => [
  typeAttribute('SrcT', from),
  typeAttribute('DstT', to),
  boolAttr('Truncate', false),
];
