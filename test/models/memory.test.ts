import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepCnn, evaluate, linear, predict, shallowCnn } from 'cifar10';
import { checkMemory, estimateBytes } from 'cifar10/models';
import { splitOf } from '../images';

test('a batch that does not fit is refused with the numbers and the size that does', () => {
  const model = deepCnn();
  assert.throws(
    () => checkMemory('train', 'training', model, 4096, 4e9),
    /train: a batchSize of 4096 needs about 17\.\d GB of memory, and 4\.0 GB is available\. Try a batchSize of 9\d\d or less/,
  );
  checkMemory('train', 'training', model, 900, 4e9);
  assert.throws(
    () => checkMemory('train', 'training', model, 256, 1e6),
    /Not even a single image fits: take a smaller model/,
  );
  model.dispose();
});

test('the estimate grows with the batch and counts the parameters', () => {
  const model = linear();
  const [none, some, more] = [0, 100, 200].map((batchSize) => estimateBytes('training', model, batchSize));
  assert.equal(none, 4 * 5 * model.countParams());
  assert.ok(Math.abs(more - some - (some - none)) < 1);
  model.dispose();
});

test('op by op takes more than compiled, and testing less', () => {
  for (const model of [deepCnn(), shallowCnn()]) {
    const [testing, training, opByOp] = (['testing', 'training', 'training op by op'] as const).map((work) =>
      estimateBytes(work, model, 256),
    );
    assert.ok(testing < training && training < opByOp);
    model.dispose();
  }
});

test('evaluate and predict refuse a batch that does not fit, before they try it', async (t) => {
  const model = deepCnn({ widths: [4, 4, 4, 4, 4, 4] });
  const split = splitOf(new Uint8Array(20 * 3072));
  t.mock.method(process, 'availableMemory', () => 1e6);
  const says = (owner: string) => ({
    name: 'RangeError',
    message: new RegExp(
      `^${owner}: a batchSize of 20 needs about 0\\.0 GB of memory, .* Try a batchSize of \\d+ or less`,
    ),
  });
  await assert.rejects(() => evaluate(model, split), says('evaluate'));
  await assert.rejects(() => predict(model, split, { batchSize: 100 }), says('predict'));
  assert.equal((await predict(model, split, { batchSize: 1 })).length, 200);
  model.dispose();
});
