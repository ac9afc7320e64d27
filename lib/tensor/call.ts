// Calls of TensorFlow's ops and of our own, by name, as the binding takes them.
import type * as tf from '@tensorflow/tfjs-node';
import { backend, binding, DataType, type OpAttribute, typeAttribute } from './backend';

export const float = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_FLOAT, value });
export const bool = (name: string, value: boolean): OpAttribute => ({ name, type: binding.TF_ATTR_BOOL, value });
export const string = (name: string, value: string): OpAttribute => ({ name, type: binding.TF_ATTR_STRING, value });

export const one = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor =>
  backend.executeSingleOutput(op, attributes, inputs);
export const many = (op: string, attributes: OpAttribute[], inputs: tf.Tensor[], count: number): tf.Tensor[] =>
  backend.executeMultipleOutputs(op, attributes, inputs, count);

export const T = typeAttribute('T', DataType.float32);
export const U = typeAttribute('U', DataType.float32);
export const NHWC = string('data_format', 'NHWC');
