import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { loadCifar10 } from 'cifar10/data';
import { deepCnn } from 'cifar10/models';
import { linear } from 'cifar10/models';
import { shallowCnn } from 'cifar10/models';
import { saveWeights } from 'cifar10/models';
import { uint8Tensor } from 'cifar10/engine';
import { normalize } from 'cifar10/data';
import { corruptEverywhere, killAtEachChange, killWriters, memory } from '../checkpoint/checkpoints';
import { root, temporaryFolder } from '../project';

test('a writer that is killed at random moments loses nothing that it had saved: 250 kills', async (t) => {
  const saved = [await killWriters(temporaryFolder(t), 100), await killWriters(temporaryFolder(t, memory), 150)];
  t.diagnostic(`100 kills on a disk, ${saved[0]} checkpoints; 150 in memory, ${saved[1]} checkpoints`);
});

test('a writer that is killed just before each of its changes to the disk loses nothing', async (t) => {
  const kills = await killAtEachChange(() => temporaryFolder(t, memory), 1);
  assert.ok(kills >= 50, `${kills} kills`);
  t.diagnostic(`${kills} kills survived`);
});

test('each byte of a checkpoint is looked after: changed, it is detected', (t) => {
  const tried = corruptEverywhere(temporaryFolder(t, memory), Infinity);
  t.diagnostic(`${tried} corruptions of ${tried} detected`);
});

test('PyTorch takes our weights strictly and gives our answers', async (t) => {
  const benchPython = join(root, '.setup', 'bench', 'bin', 'python');
  const python = process.env.PYTORCH_PYTHON ?? (existsSync(benchPython) ? benchPython : 'python3');
  const script = join(root, 'test', 'fixtures', 'torch', 'torch_models.py');
  const run = (...args: string[]) => spawnSync(python, args, { encoding: 'utf8' });
  if (run('-c', 'import torch, safetensors, numpy').status !== 0) {
    return t.skip(
      `${python} lacks torch, numpy or safetensors: npm run bench installs them; or name another Python by PYTORCH_PYTHON`,
    );
  }
  const folder = temporaryFolder(t);
  const models = {
    linear: { model: linear({ widths: [7, 9], seed: 3 }), widths: [7, 9] },
    shallowCnn: { model: shallowCnn({ widths: [2, 5, 3], seed: 3 }), widths: [2, 5, 3] },
    deepCnn: { model: deepCnn({ widths: [2, 3, 4, 5, 6, 7], seed: 3 }), widths: [2, 3, 4, 5, 6, 7] },
  };
  const { test: images } = await loadCifar10({ sample: true });
  const answers = Object.entries(models).map(([name, { model, widths }]) => {
    shakeStatistics(model);
    saveWeights(model, join(folder, `${name}.safetensors`));
    const logits = tf.tidy(() => {
      const input = normalize(uint8Tensor(images.images.subarray(0, 4 * 3072), [4, 32, 32, 3]));
      return (model.apply(input) as tf.Tensor2D).arraySync();
    });
    return [name, { widths, logits }] as const;
  });
  const write = (models: object) => writeFileSync(join(folder, 'answers.json'), JSON.stringify({ models }));
  write(Object.fromEntries(answers));
  const sample = join(root, 'data', 'sample');
  const checked = run(script, 'check', folder, sample);
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  t.diagnostic(checked.stdout.trim());
  // The check can fail: with the weights of another seed.
  saveWeights(linear({ widths: [7, 9], seed: 4 }), join(folder, 'other'));
  copyFileSync(join(folder, 'other'), join(folder, 'linear.safetensors'));
  assert.equal(run(script, 'check', folder, sample).status, 1);
});

/** Running means and variances that are not 0 and 1. */
function shakeStatistics(model: tf.LayersModel): void {
  tf.tidy(() => {
    for (const weight of model.weights.filter(({ trainable }) => !trainable)) {
      const noise = tf.randomUniform(weight.shape as number[], 0.1, 1, 'float32', 1);
      weight.write(tf.add(weight.read(), noise));
    }
  });
}
