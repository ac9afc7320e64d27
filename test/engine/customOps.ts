// What the tests of the custom ops have in common.
import * as tf from '@tensorflow/tfjs-node';
import { addOp, createGraph, DataType, hasCustomOps, type TensorType, typeOf, compile } from 'cifar10/engine';
import { prepareEngine, trace, type TensorFunction, withCustomOps } from 'cifar10/engine';

export const skip = hasCustomOps() ? false : 'the custom ops are for CPUs with AVX2';

/** The ops of a function's graph for float32 arguments of these shapes, with ours in it. */
export const opsOf = (fn: TensorFunction, ...shapes: number[][]): string[] =>
  opsOfTypes(
    fn,
    shapes.map((shape) => ({ dtype: DataType.float32, shape })),
  );

/** The same for arguments of these types. */
export function opsOfTypes(fn: TensorFunction, types: TensorType[]): string[] {
  prepareEngine();
  const graph = createGraph();
  const { outputs } = trace(fn, types, graph, new Map(), 'f');
  // What a program fetches is taken by somebody, too.
  for (const value of Object.values(outputs)) addOp(graph, 'Identity', [value], {}, [typeOf(value)]);
  return withCustomOps(graph).nodes.map(({ op }) => op);
}

/** Normally distributed numbers, the same each time. */
export const randoms = (...shapes: number[][]): tf.Tensor[] =>
  shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', i + 1));

/** Root of the mean square of the difference, as a share of the expected values'. */
export function relativeError(actual: tf.Tensor, expected: tf.Tensor): number {
  return tf.tidy(() => {
    const error = tf.sub(actual, expected).square().mean().sqrt();
    return error.div(expected.square().mean().sqrt()).dataSync()[0];
  });
}

/** What a function gives compiled, twice, and op by op, where only few ops are ours. The caller disposes it. */
export function compiledAndEager<Names extends string>(
  fn: (...inputs: tf.Tensor[]) => Record<Names, tf.Tensor>,
  inputs: tf.Tensor[],
): Record<'first' | 'again' | 'eager', Record<Names, tf.Tensor>> {
  const program = compile({ fn }, { precision: 'float32' });
  try {
    return { first: program.fn(...inputs), again: program.fn(...inputs), eager: tf.tidy(() => fn(...inputs)) };
  } finally {
    program.dispose();
  }
}
