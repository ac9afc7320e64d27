// The file that touches private parts of tfjs-node 4.22.0, hence the pin on that version. (session.ts takes its messages.)
import * as tf from '@tensorflow/tfjs-node';
import { processorHas } from './processor';

/** TensorFlow's numbers for its data types (`tensorflow/core/framework/types.proto`). */
export const DataType = {
  float32: 1,
  int32: 3,
  uint8: 4,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  resource: 20,
} as const;
export type DataType = (typeof DataType)[keyof typeof DataType];

/** An attribute of a TensorFlow op, as the binding takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What the binding says of a tensor that it made. */
interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** tfjs's reference to the values of a tensor; clones share it. */
export type DataId = object;

interface Binding {
  readonly TF_Version: string;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  createTensor(shape: number[], dtype: number, values: tf.TypedArray): number;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  getNumOfSavedModels(): number;
  runSavedModel(id: number, inputs: number[], inputNames: string, outputNames: string): TensorMetadata[];
}

/** Methods of the backend: called on it, and replaced on it while a function is traced. */
interface NodeBackend {
  readonly binding: Binding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { get(id: DataId): { dtype: number; shape: number[]; id: number; values: unknown } };
  executeSingleOutput: (op: string, attributes: OpAttribute[], inputs: tf.Tensor[]) => tf.Tensor;
  executeMultipleOutputs: (op: string, attributes: OpAttribute[], inputs: tf.Tensor[], count: number) => tf.Tensor[];
  read: (id: DataId) => Promise<tf.TypedArray>;
  readSync: (id: DataId) => tf.TypedArray;
  readonly encodeJpeg: (
    pixels: Uint8Array,
    shape: number[],
    format: '' | 'rgb',
    quality: number,
    progressive: boolean,
    optimizeSize: boolean,
    chromaDownsampling: boolean,
    densityUnit: 'in',
    xDensity: number,
    yDensity: number,
    xmpMetadata: string,
  ) => tf.Tensor;
  readonly createOutputTensor: (metadata: TensorMetadata) => tf.Tensor;
  readonly getInputTensorIds: (tensors: tf.Tensor[]) => number[];
  readonly incRef: (id: DataId) => void;
  readonly refCount: (id: DataId) => number;
  readonly disposeData: (id: DataId) => boolean;
}

/** tfjs's TensorFlow backend, with the parts that its types hide. */
export const backend = tf.backend() as unknown as NodeBackend;
export const binding = backend.binding;

/** What a result depends on, by name. */
export const versions = { node: process.versions.node, tensorflow: binding.TF_Version, tfjs: tf.version.tfjs };

/** TensorFlow's type of a tensor; unlike `tensor.dtype` it knows uint8. */
export const dataTypeOf = (tensor: tf.Tensor): DataType => backend.tensorMap.get(tensor.dataId).dtype as DataType;

/** An op's attribute that is a type. */
export const typeAttribute = (name: string, value: DataType): OpAttribute => ({
  name,
  type: binding.TF_ATTR_TYPE,
  value,
});

/** A tensor with a shape and a type but no values: what a function is traced with. */
export const symbolicTensor = (shape: number[], dtype: DataType): tf.Tensor =>
  backend.createOutputTensor({ id: -1, shape, dtype: dtype === DataType.bfloat16 ? DataType.float32 : dtype });

/** Whether a tensor is such a one. */
export function isSymbolic(tensor: tf.Tensor): boolean {
  const { id, values } = backend.tensorMap.get(tensor.dataId);
  return id === -1 && !values;
}

/**
 * A uint8 tensor, a quarter of the size of tfjs's int32. Only TensorFlow's own kernels understand it (see ops.ts).
 * @param values as many as the shape holds
 */
export const uint8Tensor = (values: Uint8Array, shape: number[]): tf.Tensor =>
  backend.createOutputTensor({
    id: binding.createTensor(shape, DataType.uint8, values),
    shape,
    dtype: DataType.uint8,
  });

/** Whether TensorFlow computes on a processor that our own ops (lib/engine/native/ops) are for. */
export const hasCustomOps = (): boolean => !backend.isUsingGpuDevice && processorHas('avx2', 'fma');

/** All variables that exist and were not disposed. */
export const liveVariables = (): tf.Variable[] => Object.values(tf.engine().registeredVariables);

const assignments = new WeakMap<tf.Variable, number>();

/** How often a variable was assigned to. Its `dataId` would not tell: a clone that is assigned back has an old one. */
export const assignmentsTo = (variable: tf.Variable): number => assignments.get(variable) ?? 0;

function countAssignments(): void {
  const { prototype } = tf.Variable;
  const assign = Reflect.get(prototype, 'assign') as (this: tf.Variable, value: tf.Tensor) => void;
  prototype.assign = function (this: tf.Variable, value: tf.Tensor): void {
    assign.call(this, value);
    assignments.set(this, assignmentsTo(this) + 1);
  };
}
countAssignments();

/**
 * Gives each variable values of its own, without a copy in memory. `assign` shares what it is given (another variable's values,
 * a clone's), and whoever follows values then takes one for the other.
 * @returns a function that lets them share again; what was assigned (and put back) in between does not count
 */
export function separateVariables(): () => void {
  const counts = liveVariables().map((variable) => [variable, assignmentsTo(variable)] as const);
  const shared = liveVariables().filter(({ dataId }) => backend.refCount(dataId) > 1);
  const before = shared.map((variable) => {
    const { dataId } = variable;
    backend.incRef(dataId);
    const T = typeAttribute('T', dataTypeOf(variable));
    tf.tidy(() => variable.assign(backend.executeSingleOutput('Identity', [T], [variable])));
    return [variable, dataId] as const;
  });
  return () => {
    for (const [variable, dataId] of before) setVariableData(variable, dataId);
    for (const [variable, count] of counts) assignments.set(variable, count);
  };
}

/** Whether a gradient is taken of what runs now: of a gradient itself, where one is being computed. */
export const isDifferentiated = (): boolean => tf.engine().state.gradientDepth > 0;

/** Points a variable at other values, and takes over one hold on them (`incRef`). */
export function setVariableData(variable: tf.Variable, dataId: DataId): void {
  const tensor = tf.engine().makeTensorFromTensorInfo({ dataId, shape: variable.shape, dtype: variable.dtype });
  variable.assign(tensor);
  tensor.dispose();
}

/**
 * Pixels as a JPEG file; at once, where `tf.node.encodeJpeg` gives a promise.
 * @param pixels uint8 [height, width, 3]
 */
export function encodeJpeg(pixels: Uint8Array, height: number, width: number, quality = 85): Uint8Array {
  const file = backend.encodeJpeg(pixels, [height, width, 3], 'rgb', quality, false, true, true, 'in', 300, 300, '');
  const [bytes] = file.dataSync() as unknown as Uint8Array[];
  file.dispose();
  return bytes;
}
