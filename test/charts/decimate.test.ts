import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimate, decimateEpochs } from 'cifar10/charts';

test('decimate keeps short series, and takes means of neighbours of long ones', () => {
  const rows = [1, 2, 3, 4, 5, 6].map((x) => ({ x, y: 10 * x }));
  assert.deepEqual(decimate(rows, 6), rows);
  assert.deepEqual(decimate(rows, 3), [
    { x: 1.5, y: 15 },
    { x: 3.5, y: 35 },
    { x: 5.5, y: 55 },
  ]);
  assert.throws(() => decimate(rows, 0), /limit is 0/);
});

test('decimated epochs keep the last one as it is', () => {
  const rows = [1, 2, 3, 4, 5].map((x) => ({ x, y: x }));
  assert.deepEqual(decimateEpochs(rows, 5), rows);
  assert.deepEqual(
    decimateEpochs(rows, 3),
    [1.5, 3.5, 5].map((x) => ({ x, y: x })),
  );
});
