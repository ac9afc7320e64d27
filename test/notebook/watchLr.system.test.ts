import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLOTLY, runCells, textOf } from '../kernel/kernel';

test('watchLr draws the search in a notebook; Stop ends it, and the cell goes on', () => {
  const setup = `
import { findLr, linear, loadCifar10, watchLr } from 'cifar10';
const data = await loadCifar10({ sample: true });
const model = linear({ widths: [8, 8] });`;
  const [, done, stopped] = runCells([
    { code: setup },
    { code: 'const found = await watchLr(findLr(model, data, { batchSize: 50 })); console.log(found.points.length);' },
    {
      code: `const few = await watchLr(findLr(model, data, { batchSize: 1, steps: 100000 })); console.log('goes on');`,
      interruptOn: 'Batch',
    },
  ]);
  assert.equal(done.status, 'ok', textOf(done));
  assert.match(textOf(done), /Done! \d+ learning rates, from 0\.00001 to [\d.]+\. .*The model is as it was before\./);
  assert.ok(done.outputs.some(({ data }) => data?.[PLOTLY]));
  assert.equal(stopped.status, 'ok', textOf(stopped));
  assert.match(textOf(stopped), /Stopped: .*as it was before.*goes on/s);
});
