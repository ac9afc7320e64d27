// Random numbers on tensors are a function of a key: [2], int32, made from (seed, epoch, step). Nothing is hidden, so a
// step that is run again draws the same numbers.
import * as tf from '@tensorflow/tfjs-node';

/**
 * The key for one of the uses that a step has for random numbers, such as one dropout layer's mask.
 * @param key [2], int32
 */
export const foldIn = (key: tf.Tensor1D, purpose: string): tf.Tensor1D =>
  tf.add(key, tf.tensor1d([hashText(purpose), 0], 'int32'));

/** A key that nobody chose, for whoever trains without one. */
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
