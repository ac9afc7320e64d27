import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { BatchNorm, Dropout2d } from 'cifar10/models';

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
