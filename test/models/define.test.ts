import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import {
  batchNorm,
  conv,
  defineModel,
  definitionOf,
  flatten,
  gelu,
  initialize,
  layer,
  linearLayer,
  namedParameters,
  normalizeFor,
  relu,
  residual,
  resnet9,
  sequential,
} from 'cifar10/models';
import { temporaryFolder } from '../project';

const namesOf = (model: tf.LayersModel) => namedParameters(model).map(({ name }) => name);

test('layers are named by kind and number, and weights by their places in PyTorch', () => {
  const model = defineModel('small', { inputShape: [8, 8, 1] }, [
    [conv(4, { bias: false }), batchNorm(), relu()],
    [null, residual([[conv(4), relu()], residual([gelu(), conv(4)])])],
    [sequential([flatten(), linearLayer(47)])],
  ]);
  assert.deepEqual(
    model.layers.map(({ name }) => name),
    ['images', 'conv1', 'norm1', 'relu1', 'conv2', 'relu2', 'gelu1', 'conv3', 'add1', 'add2', 'flatten1', 'linear1'],
  );
  assert.deepEqual(namesOf(model), [
    ...['network.0.weight', 'network.1.weight', 'network.1.bias', 'network.1.running_mean', 'network.1.running_var'],
    ...['network.3.0.weight', 'network.3.0.bias', 'network.3.2.1.weight', 'network.3.2.1.bias'],
    ...['network.4.1.weight', 'network.4.1.bias'],
  ]);
  assert.deepEqual(model.outputShape, [null, 47]);
  model.dispose();
});

test('members have the names that the definition gives them', () => {
  const model = defineModel('named', {}, { stem: [conv(2), relu()], pool: flatten(), head: linearLayer(3) });
  assert.deepEqual(namesOf(model), ['stem.0.weight', 'stem.0.bias', 'head.weight', 'head.bias']);
  model.dispose();
});

test('options are checked, with name, value and what is expected', () => {
  const define = (options: object) => () => defineModel('net', options, [flatten()]);
  assert.throws(
    define({ inputShape: [32, 32] }),
    /RangeError: net: inputShape is \[ 32, 32 \]; expected \[height, width/,
  );
  assert.throws(define({ seed: -1 }), /net: seed is -1; expected/);
  assert.throws(define({ normalization: { mean: 0.5, std: 0 } }), /net: normalization is .*; expected \{ mean, std \}/);
  assert.throws(define({ classes: 3 }), /net has no option classes; it has inputShape, seed, normalization/);
});

test('ResNet-9 takes other images and classes', () => {
  const model = resnet9({ widths: [4, 4, 8, 8], inputShape: [28, 28, 1], classes: 47 });
  assert.deepEqual(model.outputShape, [null, 47]);
  assert.deepEqual(model.getLayer('flatten1').outputShape, [null, 8]);
  model.dispose();
});

test('a model normalizes images by its own mean and standard deviation, after saving and loading too', async (t) => {
  const normalization = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 0.2] };
  const model = defineModel('net', { normalization, seed: 3 }, [flatten()]);
  const images = tf.tensor4d([51, 102, 204, 255, 0, 0], [1, 1, 2, 3], 'int32');
  const expected = [0.2, 0.8, 2.5, 1.8, -0.8, -1.5];
  const values = (of: tf.LayersModel) => tf.tidy(() => [...normalizeFor(of, images).dataSync()]);
  values(model).forEach((value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-6, `${i}: ${value}`));
  assert.deepEqual(definitionOf(model), { seed: 3, normalization, paths: { flatten1: 'network.0' } });
  const folder = `file://${temporaryFolder(t)}`;
  await model.save(folder);
  const loaded = await tf.loadLayersModel(`${folder}/model.json`);
  assert.deepEqual(definitionOf(loaded), definitionOf(model));
  const other = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [1, 2, 3] })] });
  values(other).forEach((value, i) => assert.ok(Math.abs(value - ([51, 102, 204, 255, 0, 0][i] / 127.5 - 1)) < 1e-6));
  tf.dispose(images);
});

test('initialize reaches nested models; batch norms begin as 1 and 0; other layers keep what they have', () => {
  const block = () =>
    tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 2], padding: 'same' }),
        tf.layers.batchNormalization(),
        tf.layers.prelu({ alphaInitializer: 'ones' }),
        tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same' }),
      ],
    });
  const make = () => {
    const input = tf.input({ shape: [8, 8, 2] });
    const x = tf.layers.flatten().apply(block().apply(input)) as tf.SymbolicTensor;
    return tf.model({ inputs: input, outputs: tf.layers.dense({ units: 3 }).apply(x) as tf.SymbolicTensor });
  };
  const [model, twin] = [make(), make()];
  for (const each of [model, twin]) initialize(each, 9);
  const values = new Map(namedParameters(model).map(({ name, variable }) => [name, variable.dataSync()]));
  for (const { name, variable } of namedParameters(twin)) assert.deepEqual(variable.dataSync(), values.get(name), name);
  const bounds = {
    'sequential1.conv2d1.weight': 1 / Math.sqrt(2 * 9),
    'sequential1.conv2d1.bias': 1 / Math.sqrt(2 * 9),
    'sequential1.depthwise_conv2d1.depthwise_kernel': 1 / 3,
    'dense1.weight': 1 / Math.sqrt(256),
  };
  for (const [name, bound] of Object.entries(bounds)) {
    const largest = Math.max(...[...values.get(name)!].map(Math.abs));
    assert.ok(largest <= bound && largest > bound / 4, `${name}: ${largest}, bound ${bound}`);
  }
  assert.ok(values.get('sequential1.batch_normalization1.running_var')!.every((value) => value === 1));
  assert.ok(values.get('sequential1.batch_normalization1.running_mean')!.every((value) => value === 0));
  assert.ok(values.get('sequential1.p_re_lu1.alpha')!.every((value) => value === 1));
  for (const each of [model, twin]) each.dispose();
});

test('the order behind flatten follows the graph: through nested models, branches and concatenations', () => {
  const input = tf.input({ shape: [2, 2, 3] });
  const flat = tf.layers.flatten().apply(input) as tf.SymbolicTensor;
  const branch = tf.layers.reLU().apply(flat) as tf.SymbolicTensor;
  const sum = tf.layers.add().apply([flat, branch]) as tf.SymbolicTensor;
  const other = tf.layers.dense({ units: 2 }).apply(sum) as tf.SymbolicTensor;
  const both = tf.layers.concatenate().apply([other, sum]) as tf.SymbolicTensor;
  const kernel = (rows: number) => [tf.range(0, rows).reshape([rows, 1])];
  const nested = tf.sequential({
    layers: [
      tf.layers.dropout({ rate: 0.5, inputShape: [14] }),
      tf.layers.dense({ units: 1, useBias: false, weights: kernel(14) }),
    ],
  });
  const direct = tf.layers.dense({ name: 'direct', units: 1, useBias: false, weights: kernel(12) }).apply(sum);
  const model = tf.model({ inputs: input, outputs: [nested.apply(both), direct] as tf.SymbolicTensor[] });
  const torchValues = (end: string) => {
    const { toTorch, fromTorch, variable } = namedParameters(model).find(({ name }) => name.endsWith(end))!;
    return tf.tidy(() => {
      const torch = toTorch(variable);
      assert.deepEqual(fromTorch(torch).dataSync(), variable.dataSync());
      return [...torch.dataSync()];
    });
  };
  const permuted = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11];
  assert.deepEqual(torchValues('direct.weight'), permuted);
  assert.deepEqual(torchValues('sequential1.dense1.weight'), [0, 1, ...permuted.map((place) => place + 2)]);
  model.dispose();
});

test('frozen layers are not learned, nor what is in them', () => {
  const inner = defineModel('inner', { inputShape: [4, 4, 3] }, [conv(3), batchNorm()]);
  const model = defineModel('outer', { inputShape: [4, 4, 3] }, [
    layer('block', () => inner),
    flatten(),
    linearLayer(2),
  ]);
  const learned = () =>
    namedParameters(model)
      .filter(({ trainable }) => trainable)
      .map(({ name }) => name);
  assert.deepEqual(learned().length, 6);
  inner.trainable = false;
  assert.deepEqual(learned(), ['network.2.weight', 'network.2.bias']);
  model.dispose();
});
