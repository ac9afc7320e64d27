import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barChart } from 'cifar10';
import { traces } from './figures';

test('a bar chart has a bar for each category of each series, and refuses a series of another length', () => {
  const figure = barChart(['cat', 'dog'], [{ name: 'training', values: Uint8Array.of(3, 4) }]);
  assert.deepEqual(traces(figure)[0].y, [3, 4]);
  const [{ text }] = barChart(['a', 'b', 'c'], [{ name: 'n', values: [12_345, 0.123456789, 0.00002] }]).data as {
    text: string[];
  }[];
  assert.deepEqual(text, ['12,345', '0.1235', '0.00002']);
  assert.throws(
    () => barChart(['cat', 'dog'], [{ name: 'training', values: [1] }]),
    /the series “training” has 1 values for 2 categories/,
  );
});
