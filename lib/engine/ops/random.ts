// Random numbers are a function of a key: [2], int32, made from (seed, epoch, step). There is no hidden state, so that a step
// that runs again draws the same numbers.
import * as tf from '@tensorflow/tfjs-node';

/**
 * A key for one of a step's uses of random numbers, such as one layer's dropout mask (JAX's fold_in).
 * @param key [2], int32
 * @param purpose a name of the use: other names give other keys
 * @returns [2], int32
 */
export const foldIn = (key: tf.Tensor1D, purpose: string): tf.Tensor1D =>
  tf.add(key, tf.tensor1d([hashText(purpose), 0], 'int32'));

/** A random key, for calls without one. [2], int32 */
export const randomKey = (): tf.Tensor1D =>
  tf.tensor1d(
    [0, 0].map(() => Math.floor(Math.random() * 2 ** 32) | 0),
    'int32',
  );

/** FNV-1a, 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
}
