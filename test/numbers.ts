// What tests of gradients have in common.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-node';

/** Central differences of a scalar function at x. */
export function numericalGradient(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, step = 1e-2): number[] {
  const values = x.dataSync();
  return Array.from(values, (_, i) => {
    const at = (shift: number) => {
      const moved = values.slice();
      moved[i] += shift;
      return f(tf.tensor(moved, x.shape)).dataSync()[0];
    };
    return (at(step) - at(-step)) / (2 * step);
  });
}

/** Each number within the tolerance of the expected one. */
export const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what = '') =>
  Array.from(expected).forEach((value, i) =>
    assert.ok(Math.abs(actual[i] - value) <= tolerance, `${what} [${i}]: ${actual[i]}, expected ${value}`),
  );
