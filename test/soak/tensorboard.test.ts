// What train writes, read and served by the real TensorBoard, which pip fetches into a temporary folder.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { PNG } from 'pngjs';
import { linear, loadCifar10, train, type TrainRecord } from 'cifar10';
import { freePort } from '../kernel/jupyterlab';
import { root, temporaryFolder } from '../project';

const TENSORBOARD = ['tensorboard==2.20.0', 'setuptools<80'];

const READ = `
import base64, json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
board = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0, "tensors": 0})
board.Reload()
tags = board.Tags()
print(json.dumps({
    "scalars": {tag: [[e.step, e.value] for e in board.Scalars(tag)] for tag in tags["scalars"]},
    "images": {tag: [[e.step, base64.b64encode(e.encoded_image_string).decode()] for e in board.Images(tag)] for tag in tags["images"]},
    "texts": {tag: [[e.step, e.tensor_proto.string_val[0].decode()] for e in board.Tensors(tag)] for tag in tags["tensors"]},
}))`;

interface Read {
  scalars: Record<string, [step: number, value: number][]>;
  images: Record<string, [step: number, base64: string][]>;
  texts: Record<string, [step: number, text: string][]>;
}

test('TensorBoard reads and serves a run that was stopped and gone on with: each step once, pictures, answers', async (t) => {
  const folder = temporaryFolder(t);
  const venv = join(folder, 'venv');
  execFileSync(join(root, '.venv', 'bin', 'python'), ['-m', 'venv', venv]);
  execFileSync(join(venv, 'bin', 'pip'), ['install', '--quiet', ...TENSORBOARD], { stdio: 'inherit' });

  const logs = join(folder, 'logs');
  const data = await loadCifar10({ sample: true });
  const records: TrainRecord[] = [];
  for (const stopAfter of [4, 3, Infinity]) {
    const model = linear({ widths: [16, 16], seed: 1 });
    const options = { epochs: 4, batchSize: 100, lr: 0.05, checkpoint: { dir: join(folder, 'checkpoints') } };
    let steps = 0;
    for await (const record of train(model, data, { ...options, tensorboard: join(logs, 'run') })) {
      if (!('restored' in record)) records.push(record);
      if (record.type === 'step' && ++steps === stopAfter) break;
    }
    model.dispose();
  }

  const python = join(venv, 'bin', 'python');
  const read = JSON.parse(execFileSync(python, ['-c', READ, join(logs, 'run')], { encoding: 'utf8' })) as Read;
  const losses = records.flatMap((record) => (record.type === 'step' ? [Math.fround(record.loss)] : []));
  assert.deepEqual(
    read.scalars['batch/loss'],
    losses.map((loss, i) => [i + 1, loss]),
  );
  const tested = records.flatMap((record) => (record.type === 'epoch' ? [Math.fround(record.test.accuracy)] : []));
  assert.deepEqual(
    read.scalars['accuracy/test'],
    tested.map((accuracy, i) => [3 * (i + 1), accuracy]),
  );
  const pictures = read.images['mistakes/pictures'];
  assert.deepEqual(
    pictures.map(([step]) => step),
    [3, 6, 9, 12],
  );
  assert.equal(PNG.sync.read(Buffer.from(pictures[0][1], 'base64')).width, 810);
  assert.match(read.texts['mistakes/answers'][3][1], /the model says/);

  const port = await freePort();
  const server = spawn(join(venv, 'bin', 'tensorboard'), ['--logdir', logs, '--port', String(port)], {
    stdio: 'ignore',
  });
  t.after(() => server.kill());
  const served = await ask(`http://127.0.0.1:${port}/data/plugin/scalars/scalars?run=run&tag=batch%2Floss`);
  assert.deepEqual(
    (served as [number, number, number][]).map(([, step, value]) => [step, Math.fround(value)]),
    losses.map((loss, i) => [i + 1, loss]),
  );
});

/** Asks until the server has read the files. */
async function ask(url: string): Promise<unknown> {
  for (let i = 0; i < 120; i++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return answer.json();
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error(`${url} gave no answer within a minute.`);
}
