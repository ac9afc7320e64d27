// Checks what compiled functions are given, and what they return.
import * as tf from '@tensorflow/tfjs-node';
import { isDisposed, isSymbolic } from './backend';

/** @throws Error for an argument that is no tensor, that was disposed, or that has no values */
export function checkArguments(name: string, args: readonly tf.Tensor[]): void {
  const wrong = args.findIndex((argument) => !isTensor(argument));
  if (wrong >= 0) {
    throw new Error(
      `${name} was called with ${describe(args[wrong])} as argument ${wrong + 1}; expected a tensor, such as tf.scalar(0.1).`,
    );
  }
  if (args.some(isSymbolic)) {
    throw new Error(
      `${name} is compiled, and was called by a function that is being compiled: call the plain function there.`,
    );
  }
}

/**
 * What a compiled function returned, by name.
 * @throws Error for anything but named tensors
 */
export function namedTensors(name: string, result: unknown): [string, tf.Tensor][] {
  const isNamed = typeof result === 'object' && result !== null && !isTensor(result);
  const entries = isNamed ? Object.entries(result) : [];
  const wrong = entries.find(([, value]) => !isTensor(value));
  if (entries.length > 0 && !wrong) return entries as [string, tf.Tensor][];
  const found = wrong ? `${describe(wrong[1])} as ${wrong[0]}` : describe(result);
  throw new Error(`${name} returned ${found}; expected named tensors, such as { loss }.`);
}

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor && !isDisposed(value as tf.Tensor);

/** For an error: what was found in a tensor's place. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (value instanceof tf.Tensor) return isDisposed(value as tf.Tensor) ? 'a tensor that was disposed' : 'a tensor';
  if (value instanceof Promise) return 'a promise';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return Object.keys(value).length === 0 ? '{}' : 'an object';
}
