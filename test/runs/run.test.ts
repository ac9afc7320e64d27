import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cosine, loadRuns, createRun, saveRun } from 'cifar10';
import { temporaryFolder } from '../project';
import { historyOf, none } from './runs';

test('a run keeps what decides how it goes, a schedule as its text; and is the same after it was saved and loaded', (t) => {
  const dir = temporaryFolder(t);
  const options = { lr: cosine(0.1), momentum: 0.9, augment: { crop: 4 }, signal: new AbortController().signal };
  const run = createRun('a cosine', { ...options, checkpoint: { dir: 'x' }, widths: [1, 2] }, historyOf(0.5, 0.25));
  assert.deepEqual(Object.keys(run.options), ['lr', 'momentum', 'augment', 'widths']);
  assert.equal(run.options.lr, 'cosine(0.1, { end: 0 })');
  assert.deepEqual(Object.keys(run.epochs[0]), ['epoch', 'train', 'test', 'seconds']);
  const file = saveRun(run, { dir });
  assert.match(file, /a-cosine-[0-9a-f]{8}\.json$/);
  assert.deepEqual(loadRuns({ dir }), [run]);
  assert.throws(() => createRun(' ', {}, none), /name of a run is " "; expected a text/);
});
