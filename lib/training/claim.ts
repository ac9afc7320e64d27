import type * as tf from '@tensorflow/tfjs-node';

const claimed = new WeakSet<tf.LayersModel>();

/**
 * Marks a model as being trained: of two trainings at once, each would compute with the other's weights.
 * @returns what ends it
 * @throws Error when it is being trained already
 */
export function claim(owner: string, model: tf.LayersModel): () => void {
  if (claimed.has(model)) {
    throw new Error(
      `${owner}: ${model.name} is being trained by another call that has not ended. Read that one to its end, or end it ` +
        '(break, return() or its AbortSignal), or make another model.',
    );
  }
  claimed.add(model);
  return () => void claimed.delete(model);
}
