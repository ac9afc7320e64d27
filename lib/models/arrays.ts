// The arrays of a model on their way to and from a file, in PyTorch's layout.
import * as tf from '@tensorflow/tfjs-node';
import type { TensorEntry, Tensors } from '../util/safetensors';
import type { NamedParameter } from './stateDict';

/** Copies arrays out. */
export function stateDict(slots: readonly NamedParameter[]): Tensors {
  return new Map(
    slots.map(({ name, variable, shape, toTorch }): [string, TensorEntry] => {
      let data!: Float32Array;
      // Not as the result of tidy: it would look for tensors in each element of the array, a second for each million.
      tf.tidy(() => {
        data = toTorch(variable).dataSync<'float32'>();
      });
      return [name, { shape, data }];
    }),
  );
}

/**
 * Copies arrays in; all of them or, when they don't fit, none. PyTorch's `num_batches_tracked`, which nothing here needs, may
 * be there.
 * @param source where they come from, for the error
 * @throws Error when arrays are missing, unexpected or of another shape: it names them
 */
export function loadStateDict(slots: readonly NamedParameter[], tensors: Tensors, source: string): void {
  const names = new Set(slots.map(({ name }) => name));
  const problems = [...tensors.keys()]
    .filter((name) => !names.has(name) && !name.endsWith('.num_batches_tracked'))
    .map((name) => `${name} is not in the model`);
  for (const { name, shape } of slots) {
    const entry = tensors.get(name);
    if (!entry) problems.push(`${name} is missing`);
    else if (entry.shape.join() !== shape.join()) {
      problems.push(`${name} has shape [${entry.shape.join(', ')}], the model [${shape.join(', ')}]`);
    } else if (!(entry.data instanceof Float32Array)) problems.push(`${name} does not hold float32 values`);
  }
  if (problems.length > 0) {
    const shown = problems.slice(0, 8).map((problem) => `\n  ${problem}`);
    const more = problems.length > shown.length ? `\n  and ${problems.length - shown.length} more` : '';
    throw new Error(`${source} is not of this model:${shown.join('')}${more}\nMake the model that was saved.`);
  }
  for (const { name, variable, shape, fromTorch } of slots) {
    const { data } = tensors.get(name) as TensorEntry & { data: Float32Array };
    tf.tidy(() => variable.assign(fromTorch(tf.tensor(data, [...shape]))));
  }
}
