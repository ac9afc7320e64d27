// Long runs take no more memory at their end than after their first steps. Resident memory is a process's, and what one training
// leaves in it would be counted with the next: each network has a test file, and so a process, of its own.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { loadCifar10, type Split, sgd, subset, train } from 'cifar10';

/** The images of a split, again and again, up to a size. */
const repeated = (split: Split, size: number): Split =>
  subset(
    split,
    Array.from({ length: size }, (_, i) => i % split.size),
  );

/** Trains for so many steps, and throws where tensors become more, or memory grows by 2 % or more after the first 200. */
export async function longRun(t: TestContext, make: () => tf.LayersModel, steps: number): Promise<void> {
  const [batchSize, perEpoch] = [256, 100];
  const sample = await loadCifar10({ sample: true });
  const data = { train: repeated(sample.train, perEpoch * batchSize), test: repeated(sample.test, batchSize) };
  const model = make();
  const before = tf.memory().numTensors;
  let [seen, tensors, resident] = [0, 0, 0];
  for await (const record of train(model, data, {
    epochs: steps / perEpoch,
    batchSize,
    optimizer: sgd({ lr: 0.001, momentum: 0.9 }),
  })) {
    if (record.type !== 'step') continue;
    if (++seen === 200) [tensors, resident] = [tf.memory().numTensors, process.memoryUsage().rss];
    if (seen > 200) assert.equal(tf.memory().numTensors, tensors, `at step ${seen}`);
  }
  const growth = process.memoryUsage().rss / resident - 1;
  t.diagnostic(
    `${seen} steps; resident ${(resident / 1e6).toFixed(0)} MB after 200, growth ${(100 * growth).toFixed(2)} %`,
  );
  assert.equal(seen, steps);
  assert.ok(growth < 0.02, `grew by ${(100 * growth).toFixed(2)} %`);
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
}
