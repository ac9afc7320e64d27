import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepCnn, linear } from 'cifar10';
import { checkMemory, estimateStepBytes } from 'cifar10/dist/training/memory';

test('a batch that does not fit is refused with the numbers and the size that does', () => {
  const model = deepCnn();
  assert.throws(
    () => checkMemory('train', model, 4096, 4e9),
    /train: a step of batchSize 4096 needs about 17\.\d GB of memory, and 4\.0 GB is available\. Try a batchSize of 9\d\d or less/,
  );
  checkMemory('train', model, 900, 4e9);
  assert.throws(() => checkMemory('train', model, 256, 1e6), /Not even a single image fits: take a smaller model/);
  model.dispose();
});

test('the estimate grows with the batch and counts the parameters', () => {
  const model = linear();
  const [none, some, more] = [0, 100, 200].map((batchSize) => estimateStepBytes(model, batchSize));
  assert.equal(none, 4 * 5 * model.countParams());
  assert.ok(Math.abs(more - some - (some - none)) < 1);
  model.dispose();
});
