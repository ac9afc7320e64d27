// compile: tfjs functions that run as one TensorFlow graph. TensorFlow then fuses, schedules and frees by itself, where
// tfjs would start kernel after kernel from JavaScript.
import * as tf from '@tensorflow/tfjs-node';
import { toBfloat16 } from './passes/autocast';
import { checkArguments } from './arguments';
import { assignmentsTo, dataTypeOf } from './backend';
import { addNode, createGraph, type Graph, type Node, type TensorType } from './graph';
import { withCustomOps } from './passes/customOps';
import { resolvePrecision, type Precision } from './precision';
import { openSession, type Session } from './session';
import { prepareEngine } from './ops/prepare';
import { trace, type TensorFunction } from './trace/trace';
import type { VariableMap } from './trace/variables';

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
  /**
   * Synchronises, then frees the graph and all that it holds. Calling a function afterwards throws. A program that is dropped
   * without it is freed some time later, without the values that `sync` would have copied.
   */
  dispose(): void;
};

/** One function, traced for one list of argument shapes. */
interface Signature {
  readonly inputs: Node[];
  readonly outputs: Record<string, Node>;
  /** The variables that it uses, and those of them that it assigns to. */
  readonly variables: tf.Variable[];
  readonly assigned: tf.Variable[];
}

/** All functions that were traced, and what they came to. */
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

/** The program's own methods: functions can't have these names. */
const METHODS = ['prepare', 'sync', 'dispose'];

/**
 * Compiles functions over shared variables, such as a training step and an evaluation. Each is recorded at its first
 * call, and once more for each new list of argument shapes. What it finds in JavaScript then (numbers, the way that an
 * `if` goes, tensors that are neither arguments nor variables) stays as it is: what changes from call to call belongs into
 * arguments and variables. A `tf.Variable` that is assigned between two calls is noticed; what the compiled functions
 * assign is seen outside after `sync()`.
 * @param functions read tensors and variables, assign to variables, return named tensors
 * @throws for a function with the name of one of the program's methods; when called, where a function does what a graph
 *   can't: reads a tensor back, draws random numbers in JavaScript, makes variables, holds large constants, or uses an op
 *   without a rule in shapes.ts. Where TensorFlow fails while a graph runs (labels out of range), the function may have
 *   assigned to some of its variables already
 */
export function compile<F extends Record<string, TensorFunction>>(
  functions: F,
  { precision = 'auto' }: CompileOptions = {},
): Program<F> {
  prepareEngine();
  const lowered = resolvePrecision(precision) === 'bfloat16';
  const taken = Object.keys(functions).find((name) => METHODS.includes(name));
  if (taken) throw new Error(`compile: a function has the name ${taken}, as the program's own method; rename it.`);
  let recorded: Recording = { graph: createGraph(), variables: new Map(), signatures: new Map() };
  /** As much of it as TensorFlow is known to load. */
  let loaded = copyOf(recorded);
  /** What functions assigned to since the last `pull`; others are never older outside than inside. */
  const ahead = new Set<tf.Variable>();
  /** How often each tf.Variable had been assigned to when the session's was last known to have the same value. */
  const shared = new Map<tf.Variable, number>();
  let session: Session | undefined;
  let isDisposed = false;

  const call = (name: string, args: tf.Tensor[]): Record<string, tf.Tensor> => {
    checkAlive(name);
    checkArguments(name, args);
    const types = args.map((tensor) => ({ dtype: dataTypeOf(tensor), shape: tensor.shape }));
    const { inputs, outputs, variables, assigned } = signatureOf(name, types);
    const gone = variables.find((variable) => variable.isDisposed);
    if (gone) {
      throw new Error(`${name} uses the variable ${gone.name}, which was disposed: make it anew and compile again.`);
    }
    const running = (session ??= load());
    push(running);
    for (const variable of assigned) ahead.add(variable);
    const feeds = inputs.map((placeholder, index) => ({ placeholder, tensor: args[index] }));
    const results = running.run(feeds, Object.values(outputs));
    return Object.fromEntries(Object.keys(outputs).map((key, index) => [key, results[index]]));
  };

  const checkAlive = (name: string): void => {
    if (isDisposed) throw new Error(`${name} was called after its program was disposed: compile again.`);
  };

  const load = (): Session => {
    try {
      const { graph } = recorded;
      const opened = openSession(lowered ? toBfloat16(graph) : withCustomOps(graph));
      loaded = copyOf(recorded);
      return opened;
    } catch (error) {
      // Of arguments whose shapes do not fit, for one. The functions are recorded again when they are called again.
      recorded = copyOf(loaded);
      throw error;
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
    // A loaded graph can't grow: the next one takes over the variables.
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

  /** Gives the session what was assigned to variables outside. */
  const push = (running: Session): void => {
    const changed = [...recorded.variables].filter(
      ([variable]) => !variable.isDisposed && shared.get(variable) !== assignmentsTo(variable),
    );
    if (changed.length === 0) return;
    const feeds = changed.map(([variable, { placeholder }]) => ({ placeholder, tensor: variable }));
    tf.dispose(
      running.run(
        feeds,
        changed.map(([, { initialise }]) => initialise),
      ),
    );
    for (const [variable] of changed) {
      ahead.delete(variable);
      shared.set(variable, assignmentsTo(variable));
    }
  };

  const pull = (): void => {
    if (!session) return;
    const known = [...recorded.variables].filter(
      ([variable]) => ahead.has(variable) && !variable.isDisposed && shared.get(variable) === assignmentsTo(variable),
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
      if (isDisposed) return;
      pull();
      session?.dispose();
      session = undefined;
      isDisposed = true;
    },
  };
}
