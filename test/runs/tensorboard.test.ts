import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { linear, loadCifar10, train, type TrainRecord } from 'cifar10';
import { withTensorBoard } from 'cifar10/runs';
import { temporaryFolder } from '../project';

async function run(dir: string): Promise<TrainRecord[]> {
  const data = await loadCifar10({ sample: true });
  const model = linear({ widths: [8, 8] });
  const records: TrainRecord[] = [];
  for await (const record of withTensorBoard(train(model, data, { epochs: 2, batchSize: 100 }), dir))
    records.push(record);
  model.dispose();
  return records;
}

test('the numbers of steps and epochs stand in a file for TensorBoard; the records are passed on', async (t) => {
  const dir = temporaryFolder(t);
  const records = await run(dir);
  assert.equal(records.filter(({ type }) => type === 'step').length, 6);
  const [file, ...others] = readdirSync(dir);
  assert.match(file, /tfevents/);
  assert.equal(others.length, 0);
  const text = readFileSync(join(dir, file), 'latin1');
  for (const tag of ['batch/loss', 'batch/learning rate', 'loss/train', 'accuracy/test']) {
    assert.equal(text.split(tag).length - 1 > 0, true, tag);
  }
  assert.equal(text.split('batch/loss').length - 1, 6, 'one of each step');
});

test('a folder that cannot be written is reported once, and the training goes on', async (t) => {
  const said: string[] = [];
  t.mock.method(console, 'warn', (line: string) => said.push(line));
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const records = await run(join(file, 'below'));
  assert.equal(records.filter(({ type }) => type === 'epoch').length, 2);
  assert.equal(said.length, 1, said.join());
  assert.match(said[0], /can't be written .*The training goes on without it/s);
});
