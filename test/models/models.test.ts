import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { deepCnn, linear, shallowCnn } from 'cifar10';
import { namedParameters } from 'cifar10/models';

const shapes = (model: tf.LayersModel) => namedParameters(model).map(({ name, shape }) => `${name} ${shape.join('×')}`);

test('linear has the parameters of the original', () => {
  const model = linear();
  assert.equal(model.countParams(), 3072 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10);
  assert.deepEqual(shapes(model), [
    'linear_relu_stack.0.weight 512×3072',
    'linear_relu_stack.0.bias 512',
    'linear_relu_stack.2.weight 512×512',
    'linear_relu_stack.2.bias 512',
    'linear_relu_stack.4.weight 10×512',
    'linear_relu_stack.4.bias 10',
  ]);
  model.dispose();
});

test('shallowCnn has the parameters of the original', () => {
  const model = shallowCnn();
  assert.equal(model.countParams(), 896 + 18_496 + 73_856 + 327_690);
  assert.deepEqual(shapes(model), [
    'network.0.weight 32×3×3×3',
    'network.0.bias 32',
    'network.2.weight 64×32×3×3',
    'network.2.bias 64',
    'network.4.weight 128×64×3×3',
    'network.4.bias 128',
    'network.8.weight 10×32768',
    'network.8.bias 10',
  ]);
  model.dispose();
});

test('deepCnn has the layers of the original, in their places', () => {
  const model = deepCnn();
  const names = namedParameters(model).map(({ name }) => name);
  const places = [...new Set(names.map((name) => Number(name.split('.')[1])))];
  assert.deepEqual(places, [0, 2, 3, 5, 8, 10, 11, 13, 16, 18, 19, 21, 25, 27, 29]);
  assert.equal(names.filter((name) => name.endsWith('running_var')).length, 6);
  assert.deepEqual(model.outputShape, [null, 10]);
  model.dispose();
});

test('options change width, rates and regularizers', () => {
  const model = deepCnn({ widths: [4, 4, 8, 8, 8, 8], dropout: [0, 0, 0], batchNorm: false });
  assert.ok(model.layers.every((layer) => !layer.name.startsWith('norm')));
  assert.deepEqual(model.getLayer('conv3').outputShape, [null, 16, 16, 8]);
  model.dispose();
  assert.throws(() => deepCnn({ dropout: [0, 0, 1] }), /dropout is \[ 0, 0, 1 \]; expected 3 numbers/);
  assert.throws(
    () => linear({ width: 3 } as object),
    /linear has no option width; it has widths, classes, inputShape, seed, normalization/,
  );
});

test('initial weights are uniform in ±1/√fanIn and a function of the seed, 0 included', () => {
  const weights = (seed: number) => {
    const model = linear({ seed });
    const values = model.layers.flatMap((layer) => layer.getWeights().map((weight) => weight.dataSync<'float32'>()));
    model.dispose();
    return values;
  };
  const [zero, again, one] = [weights(0), weights(0), weights(1)];
  assert.deepEqual(zero, again);
  assert.notDeepEqual(zero, one);
  const bound = 1 / Math.sqrt(3072);
  const [kernel] = zero;
  assert.ok(kernel.every((w) => Math.abs(w) <= bound));
  const mean = kernel.reduce((a, b) => a + b, 0) / kernel.length;
  const variance = kernel.reduce((a, b) => a + (b - mean) ** 2, 0) / kernel.length;
  assert.ok(Math.abs(mean) < 0.01 * bound);
  assert.ok(Math.abs(variance / (bound ** 2 / 3) - 1) < 0.01);
});

test('PyTorch’s layout there and back is the identity, and the flattened layer is permuted', () => {
  const model = shallowCnn({ widths: [2, 3, 4] });
  for (const { name, variable, shape, toTorch, fromTorch } of namedParameters(model)) {
    tf.tidy(() => {
      const torch = toTorch(variable);
      assert.deepEqual(torch.shape, shape, name);
      assert.deepEqual(fromTorch(torch).dataSync(), variable.dataSync(), name);
    });
  }
  // Input (h, w, c) of the linear layer stands at c·16·16 + h·16 + w in PyTorch, at (h·16 + w)·4 + c here.
  const slot = namedParameters(model).find(({ name }) => name === 'network.8.weight')!;
  tf.tidy(() => {
    const [ours, torch] = [
      slot.variable.arraySync() as number[][],
      slot.toTorch(slot.variable).arraySync() as number[][],
    ];
    const [h, w, c, output] = [5, 7, 3, 9];
    assert.equal(torch[output][c * 256 + h * 16 + w], ours[(h * 16 + w) * 4 + c][output]);
  });
  model.dispose();
});

test('the flattened layer is permuted behind dropout and activations, too; rows of other numbers are not', () => {
  const flattened = (...between: tf.layers.Layer[]) =>
    tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [2, 2, 3] }),
        ...between,
        tf.layers.dense({ units: 1, useBias: false, weights: [tf.range(0, 12).reshape([12, 1])] }),
      ],
    });
  const permuted = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11];
  for (const between of [
    [],
    [tf.layers.dropout({ rate: 0.5 })],
    [tf.layers.reLU(), tf.layers.dropout({ rate: 0.5 })],
  ]) {
    const model = flattened(...between);
    const [slot] = namedParameters(model);
    assert.deepEqual(
      tf.tidy(() => [...slot.toTorch(slot.variable).dataSync()]),
      permuted,
    );
    model.dispose();
  }
  const rows = tf.sequential({
    layers: [tf.layers.flatten({ inputShape: [4, 3] }), tf.layers.dense({ units: 1, useBias: false })],
  });
  const [slot] = namedParameters(rows);
  assert.deepEqual(
    tf.tidy(() => slot.toTorch(slot.variable).dataSync()),
    slot.variable.dataSync(),
  );
  rows.dispose();
});

test('a model frees all that it made', () => {
  const before = tf.memory().numTensors;
  const model = deepCnn();
  model.dispose();
  assert.equal(tf.memory().numTensors, before);
});

test('tfjs’s own tools work on a model: fit, predict, to JSON and back', async () => {
  const model = deepCnn({ widths: [4, 4, 4, 4, 4, 4] });
  const before = model.getWeights()[0].dataSync().slice();
  const [x, y] = [
    tf.randomNormal([20, 32, 32, 3]),
    tf.oneHot(tf.range(0, 20, 1, 'int32').mod(tf.scalar(10, 'int32')), 10),
  ];
  model.compile({ optimizer: tf.train.sgd(0.01), loss: (t, p) => tf.losses.softmaxCrossEntropy(t, p) });
  await model.fit(x, y, { epochs: 1, batchSize: 10, verbose: 0 });
  assert.notDeepEqual(model.getWeights()[0].dataSync(), before);
  const twin = await tf.models.modelFromJSON(
    model.toJSON(undefined, false) as unknown as Parameters<typeof tf.models.modelFromJSON>[0],
  );
  twin.setWeights(model.getWeights());
  const [a, b] = [model.predict(x) as tf.Tensor, twin.predict(x) as tf.Tensor];
  assert.deepEqual(a.dataSync(), b.dataSync());
  tf.dispose([x, y, a, b]);
});
