import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import * as danfo from 'danfojs-node';

test('TensorFlow computes', () => {
  tf.tidy(() => {
    assert.deepEqual([...tf.matMul([[1, 2]], [[3], [4]]).dataSync()], [11]);
  });
});

test('there is one copy of tfjs and one binding, and danfojs-node runs on it', () => {
  assert.equal(danfo.tensorflow, tf);
  const loaded = (pattern: RegExp) => [
    ...new Set(
      Object.keys(require.cache)
        .filter((file) => pattern.test(file))
        .map((file) => realpathSync(file)),
    ),
  ];
  assert.equal(loaded(/tfjs_binding\.node$/).length, 1);
  assert.equal(loaded(/tfjs-core[/\\]dist[/\\]tf-core\.node\.js$/).length, 1);
  const frame = new danfo.DataFrame(
    [
      [1, 2],
      [3, 4],
    ],
    { columns: ['a', 'b'] },
  );
  assert.deepEqual(frame.sum({ axis: 0 }).values, [4, 6]);
});

test('its chatter does not reach the user, and stderr works afterwards', () => {
  const script = `
    const tf = require('@tensorflow/tfjs-node');
    tf.conv2d(tf.ones([1, 4, 4, 1]), tf.ones([3, 3, 1, 1]), 1, 'same').dispose();
    console.error('after');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: 'after\n' });
});
