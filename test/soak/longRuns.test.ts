// Long runs take no more memory at their end than after their first steps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { deepCnn, linear, loadCifar10, type Split, takeImages, train } from 'cifar10';

/** The images of a split, again and again, up to a size. */
const repeated = (split: Split, size: number): Split =>
  takeImages(
    split,
    Array.from({ length: size }, (_, i) => i % split.size),
  );

const runs = [
  { name: 'linear', make: () => linear(), steps: 10_000, batchSize: 256 },
  { name: 'deep', make: () => deepCnn(), steps: 500, batchSize: 256 },
];
for (const { name, make, steps, batchSize } of runs) {
  test(`${steps} steps of the ${name} net: tensors stay as many, memory grows by less than 2 % after the first 200`, async (t) => {
    const sample = await loadCifar10({ sample: true });
    const perEpoch = 100;
    const data = { train: repeated(sample.train, perEpoch * batchSize), test: repeated(sample.test, batchSize) };
    const model = make();
    const before = tf.memory().numTensors;
    let [seen, tensors, resident] = [0, 0, 0];
    for await (const record of train(model, data, { epochs: steps / perEpoch, batchSize, lr: 0.001, momentum: 0.9 })) {
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
  });
}
