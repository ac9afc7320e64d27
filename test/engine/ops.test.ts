import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { backend, isOnGpu, compile } from 'cifar10/engine';
import {
  randomUniform,
  type SgdHyperparameters,
  sgdUpdate,
  softmaxCrossEntropy,
  transformImages,
  uint8Tensor,
} from 'cifar10/engine';
import { close, numericalGradient } from '../numbers';

test('cross entropy: value as tfjs’s, gradient as finite differences', () => {
  tf.tidy(() => {
    const logits = tf.randomNormal<tf.Rank.R2>([6, 10], 0, 2, 'float32', 3);
    const labels = tf.tensor1d([0, 3, 9, 9, 1, 5], 'int32');
    const loss = (x: tf.Tensor) => softmaxCrossEntropy(x as tf.Tensor2D, labels);
    const reference = tf.losses.softmaxCrossEntropy(tf.oneHot(labels, 10), logits);
    close(loss(logits).dataSync(), reference.dataSync(), 1e-5);
    close(tf.grad(loss)(logits).dataSync(), numericalGradient(loss, logits), 1e-3);
  });
});

test('the second derivative of the cross entropy agrees with finite differences', () => {
  tf.tidy(() => {
    const logits = tf.randomNormal([4, 5], 0, 1, 'float32', 3);
    const loss = (x: tf.Tensor) => tf.mul(4, softmaxCrossEntropy(x as tf.Tensor2D, tf.tensor1d([0, 3, 4, 1], 'int32')));
    const penalty = (x: tf.Tensor) => tf.sum(tf.square(tf.grad(loss)(x)));
    const gradient = tf.grad(penalty)(logits).dataSync();
    assert.ok(gradient.some((value) => Math.abs(value) > 0.1));
    close(gradient, numericalGradient(penalty, logits), 1e-3);
  });
});

test('label smoothing: PyTorch’s values and gradients', () => {
  tf.tidy(() => {
    // torch.nn.functional.cross_entropy(x, y, label_smoothing=0.1), and its gradient.
    const logits = tf.tensor2d([1, 2, 0.5, -1, 0, 3], [2, 3]);
    const labels = tf.tensor1d([0, 2], 'int32');
    const loss = (x: tf.Tensor) => softmaxCrossEntropy(x as tf.Tensor2D, labels, { labelSmoothing: 0.1 });
    const target = (row: number, k: number) => 0.1 / 3 + (k === [0, 2][row] ? 0.9 : 0);
    const expected = [
      [1, 2, 0.5],
      [-1, 0, 3],
    ].map((row, i) => {
      // prettier-ignore
      const lse = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
      return row.reduce((sum, value, k) => sum + target(i, k) * (lse - value), 0);
    });
    close(loss(logits).dataSync(), [(expected[0] + expected[1]) / 2], 1e-6);
    close(tf.grad(loss)(logits).dataSync(), numericalGradient(loss, logits), 1e-3);
    const scalar = softmaxCrossEntropy(logits, labels, { labelSmoothing: tf.scalar(0.1) });
    assert.deepEqual(scalar.dataSync(), loss(logits).dataSync(), 'a scalar will do, too');
  });
});

for (const dtype of ['uint8', 'float32']) {
  test(`images of ${dtype}, moved and mirrored, are filled with 0 or their reflection`, () => {
    const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
    const x = dtype === 'uint8' ? uint8Tensor(bytes, [1, 2, 4, 1]) : tf.tensor(Float32Array.from(bytes), [1, 2, 4, 1]);
    const rows = (dx: number, dy: number, fill: 'zero' | 'reflect', mirror = 1) => {
      const transforms = tf.tensor2d([[mirror, 0, dx, 0, 1, dy, 0, 0]]);
      const f = (x: tf.Tensor, by: tf.Tensor) => ({ y: transformImages(x as tf.Tensor4D, by as tf.Tensor2D, fill) });
      const program = compile({ f }, { precision: 'float32' });
      const found = tf.tidy(() => [f(x, transforms).y, program.f(x, transforms).y].map((y) => [...y.dataSync()]));
      program.dispose();
      transforms.dispose();
      assert.deepEqual(found[1], found[0], 'compiled');
      return [found[0].slice(0, 4), found[0].slice(4)];
    };
    const before = tf.memory().numTensors;
    assert.deepEqual(rows(-2, 0, 'zero'), [[0, 0, 1, 2], [0, 0, 5, 6]]); // prettier-ignore
    assert.deepEqual(rows(-2, 0, 'reflect'), [[3, 2, 1, 2], [7, 6, 5, 6]]); // prettier-ignore
    assert.deepEqual(rows(2, 1, 'reflect'), [[7, 8, 7, 6], [3, 4, 3, 2]]); // prettier-ignore
    assert.deepEqual(rows(3, 0, 'reflect', -1), [[4, 3, 2, 1], [8, 7, 6, 5]]); // prettier-ignore
    assert.deepEqual(rows(-7, 3, 'reflect'), [[6, 5, 6, 7], [2, 1, 2, 3]]); // prettier-ignore
    assert.equal(tf.memory().numTensors, before);
    x.dispose();
  });
}

test('stateless random numbers are uniform and a function of the key', () => {
  tf.tidy(() => {
    const draw = (key: number[]) => randomUniform([20_000], tf.tensor1d(key, 'int32')).dataSync<'float32'>();
    const values = draw([1, 2]);
    assert.deepEqual(draw([1, 2]), values);
    assert.notDeepEqual(draw([2, 1]), values);
    assert.ok(values.every((v) => v >= 0 && v < 1));
    assert.ok(Math.abs(values.reduce((a, b) => a + b, 0) / values.length - 0.5) < 0.01);
  });
});

test('sgdUpdate refuses shapes that do not agree', (t) => {
  if (isOnGpu()) return t.skip('the op is for CPUs');
  tf.tidy(() => {
    const [ten, two, number] = [tf.ones([10]), tf.ones([2]), tf.scalar(1)];
    const hyperparameters = { lr: number, momentum: number, weightDecay: number };
    for (const [w, v, g] of [
      [ten, ten, two],
      [ten, two, ten],
      [two, ten, ten],
    ]) {
      assert.throws(() => sgdUpdate(w, v, g, hyperparameters), /of the parameter's shape/);
    }
    assert.throws(
      () => sgdUpdate(ten, ten, ten, { ...hyperparameters, lr: tf.zeros<tf.Rank>([0]) as tf.Scalar }),
      /scalars for lr/,
    );
  });
});

/** On a machine without a GPU: in the ops that one would use. */
function withoutCustomOps(t: TestContext): void {
  const hidden = backend() as { isUsingGpuDevice: boolean };
  const { isUsingGpuDevice } = hidden;
  hidden.isUsingGpuDevice = true;
  t.after(() => {
    hidden.isUsingGpuDevice = isUsingGpuDevice;
  });
}

for (const shape of [[], [7], [3, 5], [300, 517]]) {
  for (const [momentum, nesterov] of [
    [0.9, false],
    [0.9, true],
    [0, false],
    [0, true],
  ] as const) {
    for (const isOwn of [true, false]) {
      const kind = `${nesterov ? ', Nesterov' : ''}${isOwn ? '' : ", in TensorFlow's ops"}`;
      test(`sgdUpdate of [${shape.join()}] is PyTorch's SGD, momentum ${momentum}${kind}`, (t) => {
        if (!isOwn) withoutCustomOps(t);
        const [w, v, g] = [1, 2, 3].map((seed) => tf.randomNormal(shape, 0, 1, 'float32', seed));
        const hyperparameters = { lr: tf.scalar(0.1), momentum: tf.scalar(momentum), weightDecay: tf.scalar(0.01) };
        const before = tf.memory().numTensors;
        const [nextW, nextV] = sgdUpdate(w, v, g, { ...hyperparameters, nesterov });
        assert.equal(tf.memory().numTensors, before + 2);
        assert.deepEqual([nextW.shape, nextV.shape], [shape, shape]);
        const [w0, v0, g0, w1] = [w, v, g, nextW].map((tensor) => tensor.dataSync());
        v.dispose();
        const v1 = nextV.dataSync();
        w0.forEach((_, i) => {
          const decayed = g0[i] + 0.01 * w0[i];
          const moved = momentum * v0[i] + decayed;
          const velocity = momentum === 0 ? v0[i] : moved;
          const step = nesterov ? decayed + momentum * moved : moved;
          assert.ok(Math.abs(v1[i] - velocity) < 1e-6, `velocity ${i} is ${v1[i]}, not ${velocity}`);
          assert.ok(Math.abs(w1[i] - (w0[i] - 0.1 * step)) < 1e-6, `parameter ${i} is ${w1[i]}`);
        });
        const step = (...[a, b, c, lr, m, weightDecay]: tf.Tensor[]) => {
          const [parameter, velocity] = sgdUpdate(a, b, c, {
            lr,
            momentum: m,
            weightDecay,
            nesterov,
          } as SgdHyperparameters);
          return { parameter, velocity };
        };
        const program = compile({ step }, { precision: 'float32' });
        const again = tf.tensor(v0, shape);
        const { parameter, velocity } = program.step(
          w,
          again,
          g,
          hyperparameters.lr,
          hyperparameters.momentum,
          hyperparameters.weightDecay,
        );
        assert.deepEqual(parameter.dataSync(), w1, 'compiled, the same to the last bit');
        assert.deepEqual(velocity.dataSync(), v1, 'compiled, the same to the last bit');
        program.dispose();
        tf.dispose([w, g, nextW, nextV, again, parameter, velocity, ...Object.values(hyperparameters)]);
        assert.equal(tf.memory().numTensors, before - 6);
      });
    }
  }
}
