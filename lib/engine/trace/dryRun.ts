// Lets a function of tensors run without TensorFlow: what tfjs asks of it is answered by a stand-in.
import * as tf from '@tensorflow/tfjs-node';
import { withBytes } from '../ops/bytes';
import { backend, type DataId, type OpAttribute, setVariableData } from '../backend';

/** Answers in TensorFlow's place. */
export interface OpInterceptor {
  /** What the op gives: symbolic tensors, most likely. */
  execute(this: void, op: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor[];
  /** Whether values are known that can be read back. */
  hasValues(this: void, dataId: DataId): boolean;
}

/**
 * Runs `fn`; variables have their values again afterwards, and tensors that it made are freed.
 * @param name of the function, for errors
 * @param values of all variables, now
 * @throws when it reads what has no values, makes a variable, or draws random numbers in JavaScript
 */
export function dryRun<T>(
  name: string,
  values: ReadonlyMap<tf.Variable, DataId>,
  { execute, hasValues }: OpInterceptor,
  fn: () => T,
): T {
  const [target, engine] = [backend(), tf.engine()];
  // Assigning to a variable releases its values: hold them until they are put back.
  for (const dataId of values.values()) target.incRef(dataId);
  const { read, readSync } = target;
  const trackTensor = engine.trackTensor.bind(engine);
  /** With those that tfjs keeps for gradients, and forgets where an error ends them. */
  const made: tf.Tensor[] = [];
  /** What was read in vain without waiting for it: where the promise is lost, so would be an error in it. */
  let readInVain: Error | undefined;
  const readsBack = (how: string) =>
    new Error(
      `${name} reads a tensor back to JavaScript (${how}): ` +
        'while it is compiled there are no values yet. Return the tensor, or run the function eagerly.',
    );
  const traps = [
    override(target, {
      executeSingleOutput: (...call) => withBytes(...call, execute)[0],
      executeMultipleOutputs: (op, attributes, tensors) => withBytes(op, attributes, tensors, execute),
      readSync: (dataId: DataId) => {
        if (!hasValues(dataId)) throw readsBack('dataSync, arraySync, print, an if on its value');
        return readSync.call(target, dataId);
      },
      read: (dataId: DataId) => {
        if (hasValues(dataId)) return read.call(target, dataId);
        readInVain ??= readsBack('data, array');
        return new Promise(() => {});
      },
    }),
    override(engine, {
      makeVariable: ({ shape }) => {
        throw new Error(
          `${name} makes a variable of shape [${shape.join()}] on its way: make variables before compiling. ` +
            'If an optimiser of tf.train makes it, take one step eagerly before compiling.',
        );
      },
      trackTensor: (tensor, from) => {
        if (!(tensor instanceof tf.Variable)) made.push(tensor);
        trackTensor(tensor, from);
      },
    }),
    override(Math, {
      random: () => {
        throw differentNumbers(name);
      },
    }),
  ];
  engine.startScope(name);
  try {
    const result = fn();
    if (readInVain) throw readInVain;
    return result;
  } catch (error) {
    tf.dispose(made);
    throw readInVain ?? error;
  } finally {
    engine.endScope();
    for (const putBack of traps) putBack();
    for (const [variable, dataId] of values) {
      if (variable.dataId === dataId) target.disposeData(dataId);
      else setVariableData(variable, dataId);
    }
  }
}

/** Puts other methods in the place of an object's own; what it returns puts those back. */
function override<T extends object>(target: T, methods: Partial<T>): () => void {
  const own = Object.fromEntries(Object.keys(methods).map((key) => [key, target[key as keyof T]]));
  Object.assign(target, methods);
  return () => void Object.assign(target, own);
}

/** The error for a function that computes with other numbers at each call. */
export const differentNumbers = (name: string): Error =>
  new Error(
    `${name} makes different numbers in JavaScript each time (Math.random, tf.randomUniform, tf.layers.dropout?): ` +
      'compiled, they would be the same at every step. Pass them as arguments, or draw them with randomUniform.',
  );
