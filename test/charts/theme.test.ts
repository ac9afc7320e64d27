import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percent } from 'cifar10/util';
import { barChart, learningCurves, lrCurve, runCurves } from 'cifar10/charts';

test('a title stands above the legend, with room for both', () => {
  const title = 'my run';
  const figures = [
    learningCurves([], { title }),
    lrCurve([], { title }),
    barChart(['a'], [{ name: 'b', values: [1] }], { title }),
    runCurves([], { title }),
  ];
  for (const { layout } of figures) {
    const { title, margin } = layout as { title: { text: string; yanchor: string; y: number }; margin: { t: number } };
    assert.deepEqual([title.text, title.y, title.yanchor, margin.t], ['my run', 0.98, 'top', 90]);
  }
  assert.equal(learningCurves([]).layout.title, undefined);
});

test('a probability near 0 or 1 does not look certain; a certain one does', () => {
  const shown = [0, 0.0004, 0.004, 0.5, 0.94, 0.997, 0.9996, 1].map(percent);
  assert.deepEqual(shown, ['0 %', '<0.1 %', '0.4 %', '50 %', '94 %', '99.7 %', '>99.9 %', '100 %']);
});
