// The one file that touches private parts of tfjs-node 4.22.0, hence the pin on that version. (session.ts takes its protobuf
// messages.) Nothing happens at import: `backend()` looks the backend up at each use.
import * as tf from '@tensorflow/tfjs-node';
import { cpuHas } from './cpu';

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

/** The kinds of an op's attributes (`TF_AttrType` in `tensorflow/c/c_api.h`). */
export const AttributeKind = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;

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
  createTensor(shape: number[], dtype: number, values: tf.TypedArray): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): tf.TypedArray;
  executeOp(op: string, attributes: OpAttribute[], inputs: number[], outputs: number): TensorMetadata[];
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
  readonly createOutputTensor: (metadata: TensorMetadata) => tf.Tensor;
  readonly getInputTensorIds: (tensors: tf.Tensor[]) => number[];
  readonly incRef: (id: DataId) => void;
  readonly refCount: (id: DataId) => number;
  readonly disposeData: (id: DataId) => boolean;
}

/**
 * tfjs's TensorFlow backend, with the parts that its types hide.
 * @throws Error where tfjs computes with another one
 */
export function backend(): NodeBackend {
  const name = tf.getBackend();
  if (name !== 'tensorflow') {
    throw new Error(
      `tfjs computes with its backend '${name}', but this library needs TensorFlow's: call tf.setBackend('tensorflow').`,
    );
  }
  return tf.backend() as unknown as NodeBackend;
}

export const isOnGpu = (): boolean => backend().isUsingGpuDevice;

/** The versions that a result depends on, by name. */
export const versions = (): Record<'node' | 'tensorflow' | 'tfjs', string> => ({
  node: process.versions.node,
  tensorflow: backend().binding.TF_Version,
  tfjs: tf.version.tfjs,
});

/** TensorFlow's type of a tensor; unlike `tensor.dtype` it knows uint8. */
export const dataTypeOf = (tensor: tf.Tensor): DataType => backend().tensorMap.get(tensor.dataId).dtype as DataType;

/** Whether a tensor was disposed. tfjs doesn't mark the variables that `tf.disposeVariables()` disposes. */
export function isDisposed(tensor: tf.Tensor): boolean {
  const { registeredVariables, state } = tf.engine();
  if (tensor.isDisposed) return true;
  if (tensor instanceof tf.Variable)
    return registeredVariables[tensor.name] !== tensor && !isUnlisted(tensor as tf.Variable);
  return !state.tensorInfo.has(tensor.dataId);
}

/** @throws Error for a variable that was disposed; `owner` begins the message */
export function checkVariables(owner: string, variables: readonly tf.Variable[]): void {
  const gone = variables.find(isDisposed);
  if (!gone) return;
  throw new Error(
    `${owner} uses the variable ${gone.name}, which was disposed (by tf.disposeVariables?): make the model, or the variable, anew.`,
  );
}

/** An op's attribute that is a type. */
export const typeAttribute = (name: string, value: DataType): OpAttribute => ({
  name,
  type: AttributeKind.type,
  value,
});

/** A tensor with a shape and a type but no values: what a function is traced with. */
export const symbolicTensor = (shape: number[], dtype: DataType): tf.Tensor =>
  backend().createOutputTensor({ id: -1, shape, dtype: dtype === DataType.bfloat16 ? DataType.float32 : dtype });

/** Whether a tensor is such a one. */
export function isSymbolic(tensor: tf.Tensor): boolean {
  const { id, values } = backend().tensorMap.get(tensor.dataId);
  return id === -1 && !values;
}

/** Whether TensorFlow computes on a CPU that the custom ops (lib/engine/native/ops) are for. */
export const hasCustomOps = (): boolean => !isOnGpu() && cpuHas('avx2');

/** Live variables that were taken off tfjs's list, which would keep them forever. */
const unlisted = new Set<WeakRef<tf.Variable>>();

const isUnlisted = (variable: tf.Variable): boolean =>
  [...unlisted].some((reference) => reference.deref() === variable);

/** All variables that were not disposed. */
export const liveVariables = (): tf.Variable[] => [
  ...Object.values(tf.engine().registeredVariables),
  ...[...unlisted].flatMap((reference) => reference.deref() ?? []),
];

/**
 * Frees variables once their owner, such as a model, and they themselves are garbage-collected.
 * @param owner does not have to be reachable from the variables
 */
export const freeWithOwner = (owner: object, variables: readonly tf.Variable[]): void =>
  ownerGone.register(owner, variables);

const ownerGone = new FinalizationRegistry<readonly tf.Variable[]>((variables) => {
  for (const variable of variables) if (!variable.isDisposed) unlist(variable);
});

const variableGone = new FinalizationRegistry<() => void>((free) => free());

/** Takes a variable off tfjs's list: it lives on while something else, such as a layer, holds it. */
function unlist(variable: tf.Variable): void {
  const { prototype } = tf.Variable;
  const reference = new WeakRef(variable);
  // Shares the variable's values, and frees them once the variable is garbage-collected.
  const values = new tf.Tensor(variable.shape, variable.dtype, variable.dataId, variable.id);
  variable.assign = (value) => {
    prototype.assign.call(variable, value);
    values.dataId = variable.dataId;
  };
  variable.dispose = () => {
    variableGone.unregister(variable);
    unlisted.delete(reference);
    prototype.dispose.call(variable);
  };
  delete tf.engine().registeredVariables[variable.name];
  unlisted.add(reference);
  variableGone.register(variable, freeing(values, reference), variable);
}

/** A function that does not refer to the variable, which would keep it alive. */
const freeing = (values: tf.Tensor, reference: WeakRef<tf.Variable>) => (): void => {
  unlisted.delete(reference);
  values.dispose();
};

const assignments = new WeakMap<tf.Variable, number>();

/** How often a variable was assigned to. Its `dataId` would not tell: assigning a clone restores an earlier one. */
export const assignmentsTo = (variable: tf.Variable): number => assignments.get(variable) ?? 0;

/** Makes tfjs's variables count their assignments. Call it once. */
export function countAssignments(): void {
  const { prototype } = tf.Variable;
  const assign = Reflect.get(prototype, 'assign') as (this: tf.Variable, value: tf.Tensor) => void;
  prototype.assign = function (this: tf.Variable, value: tf.Tensor): void {
    assign.call(this, value);
    assignments.set(this, assignmentsTo(this) + 1);
  };
}

/**
 * Gives each variable a `dataId` of its own, without a copy in memory. `assign` shares the values that it is given (another
 * variable's, a clone's), so that a `dataId` would not tell two variables apart.
 * @returns a function that lets them share again; assignments in between (which were undone) do not count
 */
export function separateVariables(): () => void {
  const counts = liveVariables().map((variable) => [variable, assignmentsTo(variable)] as const);
  const shared = liveVariables().filter(({ dataId }) => backend().refCount(dataId) > 1);
  const before = shared.map((variable) => {
    const { dataId } = variable;
    backend().incRef(dataId);
    const T = typeAttribute('T', dataTypeOf(variable));
    tf.tidy(() => variable.assign(backend().executeSingleOutput('Identity', [T], [variable])));
    return [variable, dataId] as const;
  });
  return () => {
    for (const [variable, dataId] of before) setVariableData(variable, dataId);
    for (const [variable, count] of counts) assignments.set(variable, count);
  };
}

/** Whether the ops that run now are differentiated. In the gradient of an op: whether a second derivative is being taken. */
export const isDifferentiated = (): boolean => tf.engine().state.gradientDepth > 0;

/** Points a variable at other values; takes over one reference to them (`incRef`). */
export function setVariableData(variable: tf.Variable, dataId: DataId): void {
  const tensor = tf.engine().makeTensorFromTensorInfo({ dataId, shape: variable.shape, dtype: variable.dtype });
  variable.assign(tensor);
  tensor.dispose();
}
