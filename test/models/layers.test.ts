import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import {
  BatchNorm,
  batchNorm,
  conv,
  defineModel,
  dropout,
  Dropout2d,
  dropout2d,
  flatten,
  globalAveragePool,
  KeyedDropout,
  layer,
  linearLayer,
  residual,
  setDropout,
} from 'cifar10/models';

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string) =>
  Array.from(expected).forEach((value, i) =>
    assert.ok(
      Math.abs(actual[i] - value) <= tolerance * Math.max(1, Math.abs(value)),
      `${what}[${i}]: ${actual[i]}, expected ${value}`,
    ),
  );

test('batch norm: output, running statistics and gradients agree with the formula written out', () => {
  tf.tidy(() => {
    const layer = new BatchNorm({ name: 'norm' });
    const x = tf.randomNormal<tf.Rank.R4>([4, 5, 5, 3], 2, 3, 'float32', 7);
    const dy = tf.randomNormal<tf.Rank.R4>([4, 5, 5, 3], 0, 1, 'float32', 8);
    layer.apply(x, { training: true });
    layer.setWeights([tf.tensor1d([1, 2, 3]), tf.tensor1d([0.1, 0.2, 0.3]), tf.zeros([3]), tf.ones([3])]);
    const [gamma, beta] = layer.getWeights() as tf.Tensor1D[];
    const written = (x: tf.Tensor) => {
      const { mean, variance } = tf.moments(x, [0, 1, 2]);
      return x
        .sub(mean)
        .div(tf.sqrt(variance.add(1e-5)))
        .mul(gamma)
        .add(beta);
    };
    const y = layer.apply(x, { training: true }) as tf.Tensor;
    close(y.dataSync(), written(x).dataSync(), 1e-5, 'y');
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const [, , runningMean, runningVar] = layer.getWeights();
    close(runningMean.dataSync(), mean.mul(0.1).dataSync(), 1e-5, 'running mean');
    close(
      runningVar.dataSync(),
      variance
        .mul((0.1 * 100) / 99)
        .add(0.9)
        .dataSync(),
      1e-5,
      'running variance, unbiased',
    );
    const gradient = tf.grad((x) => layer.apply(x, { training: true }) as tf.Tensor)(x, dy);
    close(gradient.dataSync(), tf.grad(written)(x, dy).dataSync(), 1e-4, 'dx');
    const evaluated = layer.apply(x) as tf.Tensor;
    const [, , m, v] = layer.getWeights();
    close(
      evaluated.dataSync(),
      x
        .sub(m)
        .div(tf.sqrt(v.add(1e-5)))
        .mul(gamma)
        .add(beta)
        .dataSync(),
      1e-5,
      'evaluation',
    );
    layer.dispose();
  });
});

test('channel dropout: whole channels, scaled, a function of key and name, its rate can be changed', () => {
  tf.tidy(() => {
    const [a, b] = [new Dropout2d({ name: 'a', rate: 0.25 }), new Dropout2d({ name: 'b', rate: 0.25 })];
    const x = tf.ones<tf.Rank.R4>([64, 3, 3, 32]);
    const mask = (layer: Dropout2d, key: number[]) => {
      const y = layer.apply(x, { training: true, key: tf.tensor1d(key, 'int32') }) as tf.Tensor4D;
      const perChannel = y.max([1, 2]).dataSync();
      assert.deepEqual(y.min([1, 2]).dataSync(), perChannel, 'all of a channel or nothing');
      return perChannel;
    };
    const first = mask(a, [1, 2]);
    close([...new Set(first)].sort(), [0, 4 / 3], 1e-6, 'kept channels are scaled');
    const dropped = first.filter((value) => value === 0).length / first.length;
    assert.ok(Math.abs(dropped - 0.25) < 0.04, `dropped ${dropped}`);
    assert.deepEqual(mask(a, [1, 2]), first);
    assert.notDeepEqual(mask(a, [1, 3]), first);
    assert.notDeepEqual(mask(a, [2, 2]), first);
    assert.notDeepEqual(mask(b, [1, 2]), first);
    assert.deepEqual((a.apply(x) as tf.Tensor).dataSync(), x.dataSync(), 'evaluation changes nothing');
    a.rate = 0;
    assert.deepEqual(mask(a, [1, 2]), new Float32Array(first.length).fill(1));
    assert.throws(() => (a.rate = 1), /dropout rate: 1; expected/);
    a.rate = 0.5;
    const unkeyed = () => (a.apply(x, { training: true }) as tf.Tensor).dataSync();
    assert.notDeepEqual(unkeyed(), unkeyed(), 'without a key, another mask each time');
    tf.dispose([a, b].map((layer) => layer.dispose()) as never);
  });
});

test('plain dropout: single values, of any rank, scaled, a function of key and name', () => {
  tf.tidy(() => {
    for (const shape of [
      [256, 64],
      [8, 4, 4, 64],
    ]) {
      const [a, b] = ['a', 'b'].map((name) => new KeyedDropout({ name, rate: 0.25 }));
      const x = tf.ones(shape);
      const masked = (each: KeyedDropout, key: number[]) =>
        (each.apply(x, { training: true, key: tf.tensor1d(key, 'int32') }) as tf.Tensor).dataSync();
      const first = masked(a, [1, 2]);
      close([...new Set(first)].sort(), [0, 4 / 3], 1e-6, 'kept values are scaled');
      const dropped = first.filter((value) => value === 0).length / first.length;
      assert.ok(Math.abs(dropped - 0.25) < 0.02, `dropped ${dropped}`);
      assert.deepEqual(masked(a, [1, 2]), first);
      assert.notDeepEqual(masked(a, [2, 2]), first);
      assert.notDeepEqual(masked(b, [1, 2]), first);
      assert.deepEqual((a.apply(x) as tf.Tensor).dataSync(), x.dataSync(), 'evaluation changes nothing');
      for (const each of [a, b]) each.dispose();
    }
  });
});

test('batch norm of [N, C] is that of [N, 1, 1, C]', () => {
  tf.tidy(() => {
    const x = tf.randomNormal([16, 5], 1, 2, 'float32', 3);
    const [rows, maps] = [new BatchNorm(), new BatchNorm()];
    for (const training of [true, false]) {
      const y = rows.apply(x, { training }) as tf.Tensor;
      const expected = maps.apply(x.reshape([16, 1, 1, 5]), { training }) as tf.Tensor;
      assert.deepEqual(y.shape, [16, 5]);
      close(y.dataSync(), expected.dataSync(), 1e-6, training ? 'training' : 'evaluation');
    }
    rows.getWeights().forEach((weight, i) => assert.deepEqual(weight.dataSync(), maps.getWeights()[i].dataSync()));
    rows.dispose();
    maps.dispose();
  });
});

test('setDropout reaches both kinds, and nested models', () => {
  const inner = defineModel('inner', { inputShape: [4, 4, 3] }, [dropout2d(0.1), conv(3)]);
  const model = defineModel('outer', { inputShape: [4, 4, 3] }, [
    dropout(0.2),
    layer('inner', () => inner),
    [flatten(), dropout(0.3), linearLayer(2)],
  ]);
  setDropout(model, 0.75);
  const rates = [...model.layers, ...inner.layers].flatMap((each) => (each instanceof KeyedDropout ? [each.rate] : []));
  assert.deepEqual(rates, [0.75, 0.75, 0.75]);
  assert.throws(() => setDropout(model, 1), /RangeError|dropout rate: 1; expected a number in \[0, 1\)/);
  model.dispose();
});

test('a convolution keeps the area for odd kernels, and its shapes are PyTorch’s with stride and padding', () => {
  const cases: [Parameters<typeof conv>[1], number][] = [
    [{}, 32],
    [{ kernel: 5 }, 32],
    [{ kernel: 2 }, 31],
    [{ stride: 2 }, 16],
    [{ kernel: 3, padding: 0 }, 30],
    [{ kernel: 5, stride: 2, padding: 1 }, 15],
  ];
  for (const [options, size] of cases) {
    const model = defineModel('one', {}, [conv(4, options)]);
    assert.deepEqual(model.outputShape, [null, size, size, 4], JSON.stringify(options));
    model.dispose();
  }
});

test('layers that do not fit say so', () => {
  assert.throws(
    () => defineModel('wrong', {}, [residual([conv(8), batchNorm()])]),
    /residual: its layers turn \[N, 32, 32, 3\] into \[N, 32, 32, 8\]; expected the same shape/,
  );
  assert.throws(() => defineModel('wrong', {}, [flatten(), globalAveragePool()]), /pool1/);
  assert.throws(
    () => dropout(1.5)(tf.input({ shape: [3] }), { name: () => 'd', inside: () => null as never }),
    /dropout rate: 1.5/,
  );
});
