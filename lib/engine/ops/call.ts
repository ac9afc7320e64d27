// Calls of TensorFlow's ops and of our own, by name, as the binding takes them.
import type * as tf from '@tensorflow/tfjs-node';
import { backend, binding, DataType, type OpAttribute, typeAttribute } from '../backend';

export const floatAttr = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_FLOAT, value });
export const boolAttr = (name: string, value: boolean): OpAttribute => ({ name, type: binding.TF_ATTR_BOOL, value });
export const stringAttr = (name: string, value: string): OpAttribute => ({ name, type: binding.TF_ATTR_STRING, value });

export const executeOp = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor =>
  backend.executeSingleOutput(op, attributes, inputs);
export const executeOps = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[], count: number): tf.Tensor[] =>
  backend.executeMultipleOutputs(op, attributes, inputs, count);

export const T_FLOAT32 = typeAttribute('T', DataType.float32);
export const U_FLOAT32 = typeAttribute('U', DataType.float32);
export const NHWC = stringAttr('data_format', 'NHWC');
