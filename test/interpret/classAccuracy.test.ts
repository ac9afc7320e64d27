import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classAccuracy } from 'cifar10';
import { traces, type Trace } from '../charts/figures';
import { names, labels, probabilities, split } from './predictions';

test('accuracy by class: sorted, with counts and the accuracy of all, and a class without images is left out', () => {
  const { data, layout } = classAccuracy(probabilities, split, names);
  const [{ x, y }] = data as readonly Trace[];
  assert.deepEqual(y, ['ship', 'cat', 'dog']);
  assert.deepEqual(
    x.map((value) => Math.round(value)),
    [100, 50, 33],
  );
  assert.equal((layout.annotations as { text: string }[])[0].text, 'all classes: 50.0 %');
  const cats = { labels: labels.subarray(0, 2) };
  assert.deepEqual(traces(classAccuracy(probabilities.subarray(0, 6), cats, names))[0].y, ['cat']);
});
