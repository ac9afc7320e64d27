// compile: tfjs functions that run as one TensorFlow graph. TensorFlow then fuses, schedules and frees by itself, where
// tfjs would start kernel after kernel from JavaScript.
import * as tf from '@tensorflow/tfjs-node';
import { toBfloat16 } from './autocast';
import { type DataId, dataTypeOf } from './backend';
import { addNode, createGraph, type Node, type TensorType } from './graph';
import { withOwnOps } from './ownOps';
import { resolvePrecision, type Precision } from './precision';
import { openSession, type Session } from './session';
import { trace, type TensorFunction, type VariableMap } from './trace';

export interface CompileOptions {
  /**
   * 'auto' takes bfloat16 where the hardware has matrix units for it. Default: 'auto'. In float32 on the
   * processor, some ops are our own (ownOps.ts), of which the 3×3 convolutions round a little more than tfjs's.
   */
  readonly precision?: Precision;
}

export type Program<F extends Record<string, TensorFunction>> = {
  /** The compiled functions: same arguments, same results. The results are the caller's to dispose. */
  readonly [Name in keyof F]: F[Name];
} & {
  /**
   * Records a function for arguments of these types before it is called. Whoever knows all of them beforehand has the graph
   * loaded once, not once for each.
   */
  prepare(name: keyof F & string, ...types: TensorType[]): void;
  /** Copies the values that the compiled functions gave to variables back into the `tf.Variable`s. */
  sync(): void;
  /** Synchronises, then frees the graph and all that it holds. Calling a function afterwards throws. */
  dispose(): void;
};

/** One function, traced for one list of argument shapes. */
interface Signature {
  readonly inputs: Node[];
  readonly outputs: Record<string, Node>;
}

/**
 * Compiles functions over shared variables, such as a training step and an evaluation. Each is recorded at its first call,
 * and once more for each new list of argument shapes. A `tf.Variable` that is assigned between two calls is noticed; what
 * the compiled functions assign is seen outside after `sync()`.
 * @param functions read tensors and variables, assign to variables, return named tensors
 * @throws (when called) where a function does what a graph can't: reads a tensor back, draws random numbers in JavaScript,
 *   makes variables, holds large constants, or uses an op without a rule in shapes.ts
 */
export function compile<F extends Record<string, TensorFunction>>(
  functions: F,
  { precision = 'auto' }: CompileOptions = {},
): Program<F> {
  const lowered = resolvePrecision(precision) === 'bfloat16';
  const graph = createGraph();
  const variables: VariableMap = new Map();
  const signatures = new Map<string, Signature>();
  /** Those that the functions assign to; others are never older outside than inside. */
  const assigned = new Set<tf.Variable>();
  /** The values that the session's variables were last known to share with the tf.Variables. */
  const shared = new Map<tf.Variable, DataId>();
  let session: Session | undefined;
  let isDisposed = false;

  const call = (name: string, args: tf.Tensor[]): Record<string, tf.Tensor> => {
    if (isDisposed) throw new Error(`${name} was called after its program was disposed: compile again.`);
    const types = args.map((tensor) => ({ dtype: dataTypeOf(tensor), shape: tensor.shape }));
    const signature = signatureOf(name, types);
    const running = (session ??= openSession(lowered ? toBfloat16(graph) : withOwnOps(graph)));
    push(running);
    const { inputs, outputs } = signature;
    const feeds = inputs.map((placeholder, index) => ({ placeholder, tensor: args[index] }));
    const results = running.run(feeds, Object.values(outputs));
    return Object.fromEntries(Object.keys(outputs).map((key, index) => [key, results[index]]));
  };

  const signatureOf = (name: string, types: TensorType[]): Signature => {
    const key = `${name}(${types.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`).join()})`;
    let signature = signatures.get(key);
    if (!signature) signatures.set(key, (signature = addSignature(name, types)));
    return signature;
  };

  const addSignature = (name: string, types: TensorType[]): Signature => {
    // A loaded graph can't grow: the next one takes over the variables.
    pull();
    const traced = trace(functions[name], types, graph, variables, name);
    session?.dispose();
    session = undefined;
    shared.clear();
    for (const variable of traced.updates.keys()) assigned.add(variable);
    const outputs = Object.entries(traced.outputs).map(([key, value]) => {
      const type = value.node.outputs[value.index];
      const options = { name: `${name}_${key}_${graph.nodes.length}`, after: [...traced.updates.values()] };
      return [key, addNode(graph, 'Identity', [value], { T: { type: type.dtype } }, [type], options)] as const;
    });
    return { inputs: traced.inputs, outputs: Object.fromEntries(outputs) };
  };

  /** Gives the session what was assigned to variables outside. */
  const push = (running: Session): void => {
    const changed = [...variables].filter(
      ([variable]) => !variable.isDisposed && shared.get(variable) !== variable.dataId,
    );
    if (changed.length === 0) return;
    const feeds = changed.map(([variable, { placeholder }]) => ({ placeholder, tensor: variable }));
    tf.dispose(
      running.run(
        feeds,
        changed.map(([, { initialise }]) => initialise),
      ),
    );
    for (const [variable] of changed) shared.set(variable, variable.dataId);
  };

  const pull = (): void => {
    if (!session) return;
    const known = [...variables].filter(
      ([variable]) => assigned.has(variable) && !variable.isDisposed && shared.get(variable) === variable.dataId,
    );
    if (known.length === 0) return;
    const values = session.run(
      [],
      known.map(([, { read }]) => read),
    );
    known.forEach(([variable], index) => {
      variable.assign(values[index]);
      values[index].dispose();
      shared.set(variable, variable.dataId);
    });
  };

  const compiled = Object.keys(functions).map((name) => [name, (...args: tf.Tensor[]) => call(name, args)]);
  return {
    ...(Object.fromEntries(compiled) as F),
    prepare: (name: string, ...types: TensorType[]) => void signatureOf(name, types),
    sync: pull,
    dispose() {
      if (isDisposed) return;
      pull();
      session?.dispose();
      session = undefined;
      isDisposed = true;
    },
  };
}
