import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { deepCnn, evaluate, linear, predict, shallowCnn } from 'cifar10';
import * as tf from '@tensorflow/tfjs-node';
import { checkMemory, conv, defineModel, estimateBytes, layer, residual } from 'cifar10/models';
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
  t.mock.method(os, 'freemem', () => 1e6);
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

test('testing keeps what a skip adds later; training counts what is in nested models', () => {
  const options = { inputShape: [8, 8, 1] as const };
  const perImage = (work: 'testing' | 'training', model: tf.LayersModel) =>
    (estimateBytes(work, model, 1) - estimateBytes(work, model, 0)) / (4 * (work === 'testing' ? 1.7 : 1.6));
  const close = (found: number, expected: number) =>
    assert.ok(Math.abs(found - expected) < 1e-6, `${found}, expected ${expected}`);
  const chain = defineModel('chain', options, [conv(4), conv(4), conv(4)]);
  close(perImage('testing', chain), 2 * 256);
  const skip = defineModel('skip', options, [conv(4), residual([conv(4), conv(4)])]);
  close(perImage('testing', skip), 3 * 256);
  close(perImage('training', skip), 64 + 4 * 256);
  const nested = defineModel('nested', options, [layer('skip', () => skip)]);
  close(perImage('testing', nested), 64 + 3 * 256);
  close(perImage('training', nested), 64 + 64 + 4 * 256);
  for (const model of [chain, nested]) model.dispose();
});
