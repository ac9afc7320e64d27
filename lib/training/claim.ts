import type * as tf from '@tensorflow/tfjs-node';

const inTraining = new WeakSet<tf.LayersModel>();

/**
 * Marks a model as being trained from the first record of `work` to its end: of two trainings at once, each would compute
 * with the other's weights.
 * @param work begins the training, once the model is free
 * @throws Error, when the first record is asked for, if the model is being trained already
 */
export async function* exclusive<T>(
  owner: string,
  model: tf.LayersModel,
  work: () => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  if (inTraining.has(model)) {
    throw new Error(
      `${owner}: ${model.name} is being trained by another call that has not ended. Read that one to its end, or end it ` +
        '(break, return() or its AbortSignal), or make another model.',
    );
  }
  inTraining.add(model);
  try {
    yield* work();
  } finally {
    inTraining.delete(model);
  }
}
