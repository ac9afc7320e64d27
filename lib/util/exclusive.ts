const taken = new WeakSet<object>();

/**
 * Holds a thing, such as a model in training, from the first record of `work` to its end: two concurrent trainings would
 * overwrite each other's weights.
 * @param owner who wants it, for the error: `train`
 * @param work begins once the thing is free
 * @throws Error, when the first record is asked for, if another call holds it
 */
export async function* exclusive<T>(
  owner: string,
  thing: object & { readonly name: string },
  work: () => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  if (taken.has(thing)) {
    throw new Error(
      `${owner}: ${thing.name} is being trained by another call that has not ended. Read that one to its end, or end it ` +
        '(break, return() or its AbortSignal), or make another model.',
    );
  }
  taken.add(thing);
  try {
    yield* work();
  } finally {
    taken.delete(thing);
  }
}
