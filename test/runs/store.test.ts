import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadRuns, createRun, recordedRuns, saveRun } from 'cifar10';
import { smallDisk, temporaryFolder } from '../project';
import { historyOf } from './runs';
import { recordedRun, summarizeRun } from 'cifar10/runs';

test('each name has a file of its own, whatever is in it; the same name takes the place of the earlier run', (t) => {
  const dir = join(temporaryFolder(t), 'new', 'folder');
  const names = ['a b', 'a-b', 'A b', '../up', '/', '…', 'x'.repeat(500), 'line\nbreak'];
  for (const name of names) saveRun(createRun(name, {}, historyOf(0.1)), { dir });
  saveRun(createRun('a b', { lr: 1 }, historyOf(0.9)), { dir });
  const runs = loadRuns({ dir });
  assert.deepEqual(runs.map(({ name }) => name).sort(), [...names].sort());
  assert.equal(runs.find(({ name }) => name === 'a b')!.epochs[0].test.accuracy, 0.9);
  assert.equal(readdirSync(dir).length, names.length);
});

test('files that hold no run are named with what is wrong, and the others are read', (t) => {
  const dir = temporaryFolder(t);
  saveRun(createRun('good', {}, historyOf(0.5)), { dir });
  const score = { loss: 1, accuracy: 1 };
  const wrong: Record<string, [content: string, says: RegExp]> = {
    'cut.json': ['{"name": "cut", "hist', /cut\.json holds no run and was left out: .*JSON/],
    'list.json': ['[1, 2]', /list\.json .*: there is no list history\./],
    'null.json': ['null', /null\.json .*: there is no list history\./],
    'foreign.json': ['{"dependencies": {}}', /foreign\.json .*: there is no list history\./],
    'nameless.json': ['{"history": [], "options": {}}', /nameless\.json .*: there is no name\./],
    'epoch.json': [
      JSON.stringify({ name: 'x', options: {}, history: [{ epoch: 1, train: score, seconds: 1 }] }),
      /epoch\.json .*: test\.loss of entry 1 is undefined; expected a number\./,
    ],
    'number.json': [
      JSON.stringify({
        name: 'x',
        options: {},
        history: [{ epoch: 1, train: score, test: { loss: 1, accuracy: '1' }, seconds: 1 }],
      }),
      /number\.json .*: test\.accuracy of entry 1 is "1"; expected a number\./,
    ],
  };
  for (const [name, [content]] of Object.entries(wrong)) writeFileSync(join(dir, name), content);
  mkdirSync(join(dir, 'folder.json'));
  writeFileSync(join(dir, 'notes.txt'), 'not looked at');
  const said: string[] = [];
  const runs = loadRuns({ dir, onMessage: (line) => said.push(line) });
  assert.deepEqual(
    runs.map(({ name }) => name),
    ['good'],
  );
  assert.equal(said.length, Object.keys(wrong).length + 1);
  for (const [, says] of Object.values(wrong))
    assert.ok(
      said.some((line) => says.test(line)),
      `${says} not in ${said.join('\n')}`,
    );
  assert.deepEqual(loadRuns({ dir: join(dir, 'nowhere') }), []);
  assert.throws(() => loadRuns({ dir: join(dir, 'cut.json') }), /is a file; expected a folder/);
});

test('a run that could not be loaded again is not saved, and the one that was there stays', (t) => {
  const dir = temporaryFolder(t);
  const before = createRun('run', {}, historyOf(0.5));
  saveRun(before, { dir });
  assert.throws(() => saveRun(createRun('run', {}, historyOf(0.5, NaN)), { dir }), {
    name: 'RangeError',
    message: /“run” can't be saved: train\.accuracy of entry 2 is null; expected a number/,
  });
  assert.deepEqual(loadRuns({ dir }), [before]);
});

test('a full disk is said, and the run that was there stays', (t) => {
  const dir = smallDisk(t, '64k');
  if (!dir) return t.skip('this user may not make a small disk');
  const before = createRun('run', {}, historyOf(0.5));
  saveRun(before, { dir });
  const large = createRun('run', {}, historyOf(...new Array<number>(3000).fill(0.1)));
  assert.throws(() => saveRun(large, { dir }), /disk is full/);
  assert.deepEqual(loadRuns({ dir }), [before]);
});

test('the recorded runs come in the order of the story, and as references for other curves', (t) => {
  const dir = temporaryFolder(t);
  const history = historyOf(0.5, 0.75).epochs;
  for (const experiment of ['deep', 'linear', 'another', 'augmented']) {
    const run = { experiment, seed: 0, epochs: 2, options: { lr: 0.1 }, precision: 'float32', history };
    writeFileSync(join(dir, `${experiment}-0.json`), JSON.stringify(run));
  }
  writeFileSync(join(dir, 'linear-7.json'), JSON.stringify({ experiment: 'linear', seed: 7, options: {}, history }));
  assert.deepEqual(
    recordedRuns(undefined, { dir }).map(({ name }) => name),
    ['linear (recorded)', 'linear (recorded, seed 7)', 'augmented (recorded)', 'deep (recorded)', 'another (recorded)'],
  );
  const [reference, second] = recordedRun('linear', { dir });
  assert.deepEqual([reference.name, second.name], ['linear (recorded)', 'linear (recorded, seed 7)']);
  assert.deepEqual(
    reference.points.map(({ test }) => test.accuracy),
    [0.5, 0.75],
  );
  assert.deepEqual(recordedRun('shallow', { dir }), [], 'nothing is recorded, nothing is said');
  assert.deepEqual(recordedRuns(['deep', 'shallow'], { dir }).length, 1);
});

test('the linear run that comes with the project is there: 55.01 % at best, in epoch 58', () => {
  const [linear] = recordedRuns(['linear']);
  const { best, bestEpoch, last, epochs } = summarizeRun(linear);
  assert.deepEqual([best, bestEpoch, last, epochs], [0.5501, 58, 0.5443, 100]);
});
