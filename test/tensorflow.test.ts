import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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

test('its start-up chatter does not reach the user', () => {
  const output = execFileSync(
    process.execPath,
    ['-e', "require('@tensorflow/tfjs-node').ones([2, 2]).square().dispose()"],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  assert.equal(output, '');
});
