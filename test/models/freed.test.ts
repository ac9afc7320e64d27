// Networks that nobody holds are freed; what somebody holds of one stays as it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs-node';
import { compile } from 'cifar10/engine';
import { deepCnn, linear, linearLayer, defineModel, flatten, dropout } from 'cifar10/models';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

async function collect(): Promise<void> {
  for (let i = 0; i < 6; i++) {
    gc();
    await setTimeout(10);
  }
}

const small = () => defineModel('small', { inputShape: [2, 2, 1] }, [flatten(), dropout(0.5), linearLayer(3)]);
const x = tf.ones([1, 4]);

test('networks made anew in a loop do not stay', async () => {
  await collect();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 5; i++) deepCnn({ seed: i });
  assert.ok(tf.memory().numTensors > before);
  await collect();
  assert.equal(tf.memory().numTensors, before);
});

test('a network that is held, or disposed, is not touched', async () => {
  const before = tf.memory().numTensors;
  const model = linear({ widths: [8, 8] });
  linear({ widths: [8, 8] }).dispose();
  const [weights] = model.getWeights().map((weight) => weight.dataSync());
  await collect();
  assert.deepEqual(model.getWeights()[0].dataSync(), weights);
  model.dispose();
  await collect();
  assert.equal(tf.memory().numTensors, before);
});

/** Uses a layer whose model is gone. */
async function useLayer(layer: tf.layers.Layer): Promise<void> {
  const [kernel, bias] = layer.getWeights() as tf.Variable[];
  const program = compile(
    { run: (input: tf.Tensor) => ({ y: layer.apply(input) as tf.Tensor }) },
    { precision: 'float32' },
  );
  const compiled = () => tf.tidy(() => [...program.run(x).y.dataSync()]);
  const eager = () => tf.tidy(() => [...(layer.apply(x) as tf.Tensor).dataSync()]);
  compiled().forEach((value, i) => assert.ok(Math.abs(value - eager()[i]) < 1e-6));
  tf.tidy(() => bias.assign(tf.tensor1d([1, 2, 3])));
  tf.tidy(() => kernel.assign(tf.zeros([4, 3])));
  assert.deepEqual(compiled(), [1, 2, 3], 'the compiled function sees what was assigned');
  await collect();
  assert.deepEqual(eager(), [1, 2, 3]);
  program.dispose();
  kernel.dispose();
  assert.ok(kernel.isDisposed);
}

test('a layer that is held stays, can be assigned to, compiled and disposed, and is freed when it is let go', async () => {
  await collect();
  const before = tf.memory().numTensors;
  const held = { layer: small().layers.find(({ name }) => name === 'linear1') };
  await collect();
  assert.equal(tf.memory().numTensors, before + 3, 'kernel, bias, and the rate of the layer before');
  await useLayer(held.layer!);
  assert.equal(tf.memory().numTensors, before + 2);
  delete held.layer;
  await collect();
  assert.equal(tf.memory().numTensors, before);
});

test('a clone of a weight outlives it, also after another assignment', async () => {
  await collect();
  const before = tf.memory().numTensors;
  const held: { bias?: tf.Variable } = { bias: small().getWeights()[1] as tf.Variable };
  await collect();
  const clone = held.bias!.clone();
  const values = clone.dataSync().slice();
  tf.tidy(() => held.bias!.assign(tf.tensor1d([7, 8, 9])));
  assert.deepEqual([...held.bias!.dataSync()], [7, 8, 9]);
  delete held.bias;
  await collect();
  assert.deepEqual(clone.dataSync(), values);
  clone.dispose();
  assert.equal(tf.memory().numTensors, before);
});
