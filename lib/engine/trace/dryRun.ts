// Runs a function of tensors without TensorFlow: the ops that tfjs would execute go to an interceptor.
import * as tf from '@tensorflow/tfjs-node';
import { withBytes } from '../ops/bytes';
import { backend, type DataId, type OpAttribute, setVariableData } from '../backend';

/** Takes TensorFlow's place. */
export interface OpInterceptor {
  /** The outputs of an op. */
  execute(this: void, op: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor[];
  /** Whether a tensor has values to read back. */
  hasValues(this: void, dataId: DataId): boolean;
}

/**
 * Runs `fn`. Afterwards variables have their earlier values, and all tensors that it made are disposed.
 * @param name of the function, for errors
 * @param values the `dataId` of each variable
 * @throws when `fn` reads a tensor without values, makes a variable, or draws random numbers in JavaScript
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
  /** Including those that tfjs keeps for gradients, and would leak after an error. */
  const made: tf.Tensor[] = [];
  /** The first read that was not awaited; kept, because a rejection of a dropped promise would be lost. */
  let lostRead: Error | undefined;
  const readsBack = (how: string) =>
    new Error(
      `${name} reads a tensor back to JavaScript (${how}): ` +
        'while it is compiled there are no values yet. Return the tensor, or run the function eagerly.',
    );
  const patches = [
    patch(target, {
      executeSingleOutput: (...call) => withBytes(...call, execute)[0],
      executeMultipleOutputs: (op, attributes, tensors) => withBytes(op, attributes, tensors, execute),
      readSync: (dataId: DataId) => {
        if (!hasValues(dataId)) throw readsBack('dataSync, arraySync, print, an if on its value');
        return readSync.call(target, dataId);
      },
      read: (dataId: DataId) => {
        if (hasValues(dataId)) return read.call(target, dataId);
        lostRead ??= readsBack('data, array');
        return new Promise(() => {});
      },
    }),
    patch(engine, {
      makeVariable: ({ shape }) => {
        throw new Error(
          `${name} makes a variable of shape [${shape.join()}]: make variables before compiling. ` +
            'If an optimizer of tf.train makes it, take one step eagerly before compiling.',
        );
      },
      trackTensor: (tensor, from) => {
        if (!(tensor instanceof tf.Variable)) made.push(tensor);
        trackTensor(tensor, from);
      },
    }),
    patch(Math, {
      random: () => {
        throw differentNumbers(name);
      },
    }),
  ];
  engine.startScope(name);
  try {
    const result = fn();
    if (lostRead) throw lostRead;
    return result;
  } catch (error) {
    tf.dispose(made);
    throw lostRead ?? error;
  } finally {
    engine.endScope();
    for (const undo of patches) undo();
    for (const [variable, dataId] of values) {
      if (variable.dataId === dataId) target.disposeData(dataId);
      else setVariableData(variable, dataId);
    }
  }
}

/** Replaces methods of an object; returns a function that restores them. */
function patch<T extends object>(target: T, methods: Partial<T>): () => void {
  const own = Object.fromEntries(Object.keys(methods).map((key) => [key, target[key as keyof T]]));
  Object.assign(target, methods);
  return () => void Object.assign(target, own);
}

/** The error for a function that computes with other constants at each call. */
export const differentNumbers = (name: string): Error =>
  new Error(
    `${name} makes different numbers in JavaScript each time (Math.random, tf.randomUniform, tf.layers.dropout?): ` +
      'compiled, they would be the same at every step. Pass them as arguments, or draw them with randomUniform.',
  );
