import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probabilities, split } from '../interpret/predictions';
import { traces } from './figures';
import { interpretProbabilities } from 'cifar10/interpret';
import { reliabilityDiagram } from 'cifar10/charts';

test('a reliability diagram names its error, and draws only bins with images, each where it belongs', () => {
  const figure = reliabilityDiagram(interpretProbabilities(probabilities, split).calibration(5));
  assert.match((figure.layout.title as { text: string }).text, /calibration error: 41.3 percentage points/);
  const rounded = (values: readonly unknown[]) => values.map((value) => Math.round(value as number));
  assert.deepEqual(
    traces(figure).map(({ name, x, y }) => [name, rounded(x), rounded(y)]),
    [
      ['as confident as right', [0, 100], [0, 100]],
      ['right', [30, 50, 70, 90], [100, 0, 50, 50]],
      ['mean confidence', [40, 50, 75, 94], [40, 50, 75, 94]],
      ['images', [30, 50, 70, 90], [1, 1, 2, 2]],
    ],
  );
});
