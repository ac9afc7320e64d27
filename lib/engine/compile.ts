// compile: tfjs functions that run as one TensorFlow graph, which TensorFlow fuses and schedules, instead of kernel after kernel
// from JavaScript. (README.md has the map: trace → graph → passes → session.)
import * as tf from '@tensorflow/tfjs-node';
import { toBfloat16 } from './passes/autocast';
import { checkArguments } from './arguments';
import { assignmentsTo, checkVariables, dataTypeOf, isDisposed } from './backend';
import { failureOf } from './errors';
import { addNode, createGraph, type Graph, type Node, type TensorType } from './graph';
import { withCustomOps } from './passes/customOps';
import { resolvePrecision, type Precision } from './precision';
import { openSession, type Session } from './session';
import { prepareEngine } from './ops/prepare';
import { trace, type TensorFunction } from './trace/trace';
import type { VariableMap } from './trace/variables';

export interface CompileOptions {
  /**
   * 'auto' is bfloat16 where the hardware has matrix units for it, else float32. In float32 on the CPU, some ops are custom
   * ones (passes/customOps.ts), of which the 3×3 convolutions round a little more than tfjs's. Default: 'auto'.
   */
  readonly precision?: Precision;
}

export type Program<F extends Record<string, TensorFunction>> = {
  /** The compiled functions: same arguments, same results. The results are the caller's to dispose. */
  readonly [Name in keyof F]: F[Name];
} & {
  /**
   * Traces a function for arguments of these types before it is called. Prepare all types that will come, and the graph is
   * loaded once instead of once for each.
   */
  prepare(name: keyof F & string, ...types: TensorType[]): void;
  /** Copies the values that the compiled functions gave to variables back into the `tf.Variable`s. */
  sync(): void;
  /**
   * Calls `sync`, then frees the graph and its memory. Calling a function afterwards throws. A program that is dropped without
   * `dispose` is freed when it is garbage-collected, without a `sync`.
   */
  dispose(): void;
};

/** One function, traced for one list of argument types. */
interface Signature {
  readonly inputs: Node[];
  readonly outputs: Record<string, Node>;
  /** The variables that it uses, and those that it assigns to. */
  readonly variables: tf.Variable[];
  readonly assigned: tf.Variable[];
}

/** All functions that were traced, in one graph. */
interface Recording {
  readonly graph: Graph;
  readonly variables: VariableMap;
  readonly signatures: Map<string, Signature>;
}

const copyOf = ({ graph, variables, signatures }: Recording): Recording => ({
  graph: { nodes: [...graph.nodes], constants: new Map(graph.constants) },
  variables: new Map(variables),
  signatures: new Map(signatures),
});

/** Names that functions can't have. */
const METHODS = ['prepare', 'sync', 'dispose'];

/**
 * Compiles functions over shared variables, such as a training step and an evaluation. Each is traced at its first call, and
 * again for each new list of argument types. JavaScript values (numbers, the branch that an `if` takes, tensors that are
 * neither arguments nor variables) are frozen then: what changes from call to call must be an argument or a variable. A
 * `tf.Variable` that is assigned between two calls is noticed; what the compiled functions assign is seen outside after `sync()`.
 * @param functions tensors in, named tensors out; they may read variables and assign to them
 * @throws Error for a function with the name of one of the program's methods. A compiled function throws where it does what a
 *   graph can't: reads a tensor back, draws random numbers in JavaScript, makes variables, holds large constants, or uses an op
 *   without a rule in trace/shapes.ts; and where TensorFlow fails in it (labels out of range): it may have assigned to some
 *   variables by then
 */
export function compile<F extends Record<string, TensorFunction>>(
  functions: F,
  { precision = 'auto' }: CompileOptions = {},
): Program<F> {
  prepareEngine();
  const lowered = resolvePrecision(precision) === 'bfloat16';
  const taken = Object.keys(functions).find((name) => METHODS.includes(name));
  if (taken) throw new Error(`compile: a function has the name ${taken}, which is a method of the program; rename it.`);
  let recorded: Recording = { graph: createGraph(), variables: new Map(), signatures: new Map() };
  /** The last recording that TensorFlow loaded. */
  let loaded = copyOf(recorded);
  /** Variables that functions assigned to since the last `pull`; all others are in sync. */
  const ahead = new Set<tf.Variable>();
  /** Each tf.Variable's number of assignments when it last had the session's value. */
  const shared = new Map<tf.Variable, number>();
  let session: Session | undefined;
  let isFreed = false;

  const call = (name: string, args: tf.Tensor[]): Record<string, tf.Tensor> => {
    checkAlive(name);
    checkArguments(name, args);
    const types = args.map((tensor) => ({ dtype: dataTypeOf(tensor), shape: tensor.shape }));
    const { inputs, outputs, variables, assigned } = signatureOf(name, types);
    checkVariables(name, variables);
    const running = (session ??= load(name));
    push(running);
    for (const variable of assigned) ahead.add(variable);
    const feeds = inputs.map((placeholder, index) => ({ placeholder, tensor: args[index] }));
    const results = runIn(running, name, feeds, Object.values(outputs));
    return Object.fromEntries(Object.keys(outputs).map((key, index) => [key, results[index]]));
  };

  const checkAlive = (name: string): void => {
    if (isFreed) throw new Error(`${name} was called after its program was disposed: compile again.`);
  };

  const load = (name: string): Session => {
    try {
      const { graph } = recorded;
      const opened = openSession(lowered ? toBfloat16(graph) : withCustomOps(graph));
      loaded = copyOf(recorded);
      return opened;
    } catch (error) {
      // Shapes that do not fit, for one. What was traced since is traced again when it is called again.
      recorded = copyOf(loaded);
      throw failureOf(name, error);
    }
  };

  const signatureOf = (name: string, types: TensorType[]): Signature => {
    const { signatures } = recorded;
    const key = `${name}(${types.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`).join()})`;
    let signature = signatures.get(key);
    if (!signature) signatures.set(key, (signature = addSignature(name, types)));
    return signature;
  };

  const addSignature = (name: string, types: TensorType[]): Signature => {
    // A loaded graph can't grow: the next one takes over the variables' values.
    pull();
    const { graph, variables } = recorded;
    const traced = trace(functions[name], types, graph, variables, name);
    session?.dispose();
    session = undefined;
    shared.clear();
    const after = [...traced.updates.values()];
    const outputs = Object.entries(traced.outputs).map(([key, value]) => {
      const type = value.node.outputs[value.index];
      return [key, addNode(graph, 'Identity', [value], { T: { type: type.dtype } }, [type], { after })] as const;
    });
    return {
      inputs: traced.inputs,
      outputs: Object.fromEntries(outputs),
      variables: [...traced.variables],
      assigned: [...traced.updates.keys()],
    };
  };

  /** Copies variables that were assigned outside into the session. */
  const push = (running: Session): void => {
    const changed = [...recorded.variables].filter(
      ([variable]) => !isDisposed(variable) && shared.get(variable) !== assignmentsTo(variable),
    );
    if (changed.length === 0) return;
    const feeds = changed.map(([variable, { placeholder }]) => ({ placeholder, tensor: variable }));
    tf.dispose(
      running.run(
        feeds,
        changed.map(([, { initialize }]) => initialize),
      ),
    );
    for (const [variable] of changed) {
      ahead.delete(variable);
      shared.set(variable, assignmentsTo(variable));
    }
  };

  /** Copies variables that the session assigned to out of it. */
  const pull = (): void => {
    if (!session) return;
    const known = [...recorded.variables].filter(
      ([variable]) => ahead.has(variable) && !isDisposed(variable) && shared.get(variable) === assignmentsTo(variable),
    );
    if (known.length === 0) return;
    const values = session.run(
      [],
      known.map(([, { read }]) => read),
    );
    known.forEach(([variable], index) => {
      variable.assign(values[index]);
      values[index].dispose();
      shared.set(variable, assignmentsTo(variable));
    });
    ahead.clear();
  };

  const compiled = Object.keys(functions).map((name) => [name, (...args: tf.Tensor[]) => call(name, args)]);
  return {
    ...(Object.fromEntries(compiled) as F),
    prepare: (name: string, ...types: TensorType[]) => {
      checkAlive(name);
      if (!Object.hasOwn(functions, name)) {
        throw new Error(`prepare: there is no function ${name}; there are ${Object.keys(functions).join(', ')}.`);
      }
      signatureOf(name, types);
    },
    sync: pull,
    dispose() {
      if (isFreed) return;
      pull();
      session?.dispose();
      session = undefined;
      isFreed = true;
    },
  };
}

function runIn(session: Session, name: string, ...run: Parameters<Session['run']>): tf.Tensor[] {
  try {
    return session.run(...run);
  } catch (error) {
    throw failureOf(name, error);
  }
}
