import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type EpochRecord, type History, recordResult } from 'cifar10';
import { temporaryFolder } from '../project';

const historyOf = (...accuracies: number[]): History => ({
  stopped: false,
  epochs: accuracies.map((accuracy, i): EpochRecord => {
    const score = { loss: 1, accuracy };
    const epochs = accuracies.length;
    return {
      type: 'epoch',
      bestBy: 'test',
      epoch: i + 1,
      epochs,
      train: score,
      test: score,
      lr: 0.1,
      seconds: 1.3,
      imagesPerSecond: 1,
    };
  }),
});
const run = (...accuracies: number[]) => ({ parameters: 7, trainingImages: 5, history: historyOf(...accuracies) });

test('the table grows from experiment to experiment, sorted, with one row for each', (t) => {
  const file = join(temporaryFolder(t), 'new', 'results.json');
  recordResult('03', run(0.5, 0.75, 0.25), { file });
  recordResult('02', run(0.1), { file });
  const rows = recordResult('02', run(0.2, 0.3), { file });
  assert.deepEqual(
    rows.map(({ experiment }) => experiment),
    ['02', '03'],
  );
  assert.equal(rows[0]['test accuracy (%)'], 30);
  assert.deepEqual(rows[1], {
    experiment: '03',
    parameters: 7,
    'training images': 5,
    epochs: 3,
    'training accuracy (%)': 25,
    'test accuracy (%)': 25,
    'best test accuracy (%)': 75,
    seconds: 4,
  });
});

test('a run that was stopped before its first epoch ended changes nothing, and gives the rows that are there', (t) => {
  const file = join(temporaryFolder(t), 'results.json');
  assert.deepEqual(recordResult('02', run(), { file }), []);
  assert.equal(existsSync(file), false);
  const before = recordResult('02', run(0.5), { file });
  assert.deepEqual(recordResult('02', run(), { file }), before);
});

for (const content of ['{', '"text"', '[1]', '[null]', '[{"experiment":"02"}]']) {
  test(`a file that holds ${content} is left alone, and the error says what to do`, (t) => {
    const file = join(temporaryFolder(t), 'results.json');
    writeFileSync(file, content);
    assert.throws(() => recordResult('02', run(0.5), { file }), /results\.json does not hold.*delete it/);
  });
}

test('a number that is none is refused, and the table stays', (t) => {
  const file = join(temporaryFolder(t), 'results.json');
  const before = recordResult('02', run(0.5), { file });
  assert.throws(() => recordResult('03', { ...run(0.5), parameters: NaN }, { file }), {
    name: 'RangeError',
    message: 'recordResult: parameters is NaN; expected a number.',
  });
  assert.deepEqual(recordResult('02', run(0.5), { file }), before);
});
