import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compile } from 'cifar10';
import { backend } from 'cifar10/dist/tensor/backend';
import { batchNormTraining, sgdUpdate, softmaxCrossEntropy, statelessUniform } from 'cifar10/dist/tensor/kernels';

/** Central differences of a scalar function at x. */
function numericalGradient(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, step = 1e-2): number[] {
  const values = x.dataSync();
  return Array.from(values, (_, i) => {
    const at = (shift: number) => {
      const moved = values.slice();
      moved[i] += shift;
      return f(tf.tensor(moved, x.shape)).dataSync()[0];
    };
    return (at(step) - at(-step)) / (2 * step);
  });
}

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) =>
  Array.from(expected).forEach((value, i) =>
    assert.ok(Math.abs(actual[i] - value) <= tolerance, `[${i}]: ${actual[i]}, expected ${value}`),
  );

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

const functions: { name: string; f: (x: tf.Tensor2D) => tf.Tensor }[] = [
  { name: 'relu', f: (x) => tf.relu(x) },
  {
    name: 'matMul',
    f: (x) =>
      tf.matMul(
        x,
        tf.tensor2d([
          [1, 2],
          [3, -4],
          [5, 6],
        ]),
      ),
  },
  {
    name: 'matMul, transposed',
    f: (x) =>
      tf.matMul(
        tf.tensor2d([
          [1, -2],
          [3, 4],
        ]),
        x,
        true,
        false,
      ),
  },
  { name: 'matMul of batches of one matrix', f: (x) => tf.matMul(x.expandDims(0), tf.ones([1, 3, 2])) },
  { name: 'bias', f: (x) => tf.add(x, tf.tensor1d([1, 2, 3])) },
  { name: 'sum of equal shapes', f: (x) => tf.add(x, tf.mul(x, x)) },
];
for (const { name, f } of functions) {
  test(`gradient of ${name} agrees with finite differences`, () => {
    tf.tidy(() => {
      const x = tf.tensor2d([
        [0.5, -1.5, 2],
        [-0.3, 0.7, 1],
      ]);
      const total = (x: tf.Tensor) => tf.sum(tf.square(f(x as tf.Tensor2D)));
      close(tf.grad(total)(x).dataSync(), numericalGradient(total, x, 1e-2), 0.15);
    });
  });
}

test('the gradient of a bias is the sum over everything else', () => {
  tf.tidy(() => {
    const [x, dy] = [tf.ones([2, 3, 3, 4]), tf.randomNormal([2, 3, 3, 4], 0, 1, 'float32', 5)];
    const gradient = tf.grad((bias) => tf.add(x, bias))(tf.tensor1d([1, 2, 3, 4]), dy);
    close(gradient.dataSync(), tf.sum(dy, [0, 1, 2]).dataSync(), 1e-4);
  });
});

test('stateless random numbers are uniform and a function of the key', () => {
  tf.tidy(() => {
    const draw = (key: number[]) => statelessUniform([20_000], tf.tensor1d(key, 'int32')).dataSync<'float32'>();
    const values = draw([1, 2]);
    assert.deepEqual(draw([1, 2]), values);
    assert.notDeepEqual(draw([2, 1]), values);
    assert.ok(values.every((v) => v >= 0 && v < 1));
    assert.ok(Math.abs(values.reduce((a, b) => a + b, 0) / values.length - 0.5) < 0.01);
  });
});

const twice = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) =>
  tf.grad((x) => tf.sum(tf.grad((x) => tf.sum(f(x)))(x)))(x);
const curves: { name: string; f: (x: tf.Tensor) => tf.Tensor; second: number[] }[] = [
  { name: 'x·relu(x)²', f: (x) => tf.mul(x, tf.square(tf.relu(x))), second: [0, 12] },
  { name: '(1 + x)²·x, a bias', f: (x) => tf.mul(tf.square(tf.add(tf.ones([3, 2]), x)), x), second: [-6, 48] },
];
for (const { name, f, second } of curves) {
  test(`the second derivative of ${name}`, () => {
    tf.tidy(() => {
      const x = tf.tensor1d([-1, 2]);
      assert.deepEqual([...twice(f)(x).dataSync()], second);
      const program = compile({ f: (x: tf.Tensor) => ({ y: twice(f)(x) }) }, { precision: 'float32' });
      assert.deepEqual([...program.f(x).y.dataSync()], second, 'compiled');
      program.dispose();
    });
  });
}

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

test('batch norm of a training batch says that it has no second derivative', () => {
  tf.tidy(() => {
    const [x, ones] = [tf.randomNormal([2, 2, 2, 3], 0, 1, 'float32', 3), tf.ones<tf.Rank.R1>([3])];
    const norm = (x: tf.Tensor) =>
      batchNormTraining(x as tf.Tensor4D, ones, ones, { mean: ones, variance: ones }, knobs, () => {});
    const knobs = { epsilon: 1e-5, momentum: 0.1 };
    assert.throws(() => tf.grad((x) => tf.sum(tf.square(tf.grad(norm)(x))))(x), /evaluation mode/);
  });
});

test("tfjs's normalisation of other axes than the last is as it was", () => {
  tf.tidy(() => {
    const rows = tf.layers.layerNormalization().apply(tf.tensor2d([[1, 2, 3]])) as tf.Tensor;
    close(rows.dataSync(), [-1.2242, 0, 1.2242], 1e-3);
    const norm = tf.layers.batchNormalization({ axis: 1, epsilon: 0 });
    const images = norm.apply(tf.ones([1, 2, 2, 2])) as tf.Tensor;
    norm.setWeights([1, 1, 0.5, 4].map((value) => tf.fill([2], value)));
    close(images.dataSync(), Array<number>(8).fill(1), 1e-6);
    close((norm.apply(images) as tf.Tensor).dataSync(), Array<number>(8).fill(1.25), 1e-5);
    norm.dispose();
  });
});

for (const without of ['scale', 'center']) {
  test(`tfjs's batch norm without ${without}, on running statistics`, () => {
    const norm = tf.layers.batchNormalization({ [without]: false, epsilon: 0 });
    const x = tf.ones([2, 3, 3, 4]);
    tf.dispose(norm.apply(x) as tf.Tensor);
    tf.tidy(() => norm.setWeights([2, 0.5, 4].map((value) => tf.fill([4], value))));
    const before = tf.memory().numTensors;
    const program = compile({ f: (x: tf.Tensor) => ({ y: norm.apply(x) as tf.Tensor }) }, { precision: 'float32' });
    // Without scale: (1 − 0.5) / 2 + 2; without offset: (1 − 0.5) / 2 · 2.
    const expected = Array<number>(72).fill(without === 'scale' ? 2.25 : 0.5);
    for (const y of [program.f(x).y, norm.apply(x) as tf.Tensor]) {
      close(y.dataSync(), expected, 1e-5);
      y.dispose();
    }
    program.dispose();
    assert.equal(tf.memory().numTensors, before);
    norm.dispose();
    x.dispose();
  });
}

test('sgdUpdate refuses sizes that do not agree', (t) => {
  if (backend.isUsingGpuDevice) return t.skip('the op is for processors');
  tf.tidy(() => {
    const [ten, two, number] = [tf.ones([10]), tf.ones([2]), tf.scalar(1)];
    const knobs = { lr: number, momentum: number, weightDecay: number };
    for (const [w, v, g] of [
      [ten, ten, two],
      [ten, two, ten],
      [two, ten, ten],
    ]) {
      assert.throws(() => sgdUpdate(w, v, g, knobs), /of the parameter's size/);
    }
    assert.throws(() => sgdUpdate(ten, ten, ten, { ...knobs, lr: tf.zeros<tf.Rank>([0]) as tf.Scalar }), /one number/);
  });
});

/** On a machine without a GPU: in the ops that one would use. */
function withoutOwnOps(t: TestContext): void {
  const hidden = backend as { isUsingGpuDevice: boolean };
  const { isUsingGpuDevice } = hidden;
  hidden.isUsingGpuDevice = true;
  t.after(() => {
    hidden.isUsingGpuDevice = isUsingGpuDevice;
  });
}

for (const shape of [[], [7], [3, 5], [300, 517]]) {
  for (const momentum of [0.9, 0]) {
    for (const isOwn of [true, false]) {
      const ops = isOwn ? '' : ", in TensorFlow's ops";
      test(`sgdUpdate of [${shape.join()}] moves every parameter as PyTorch's SGD does, momentum ${momentum}${ops}`, (t) => {
        if (!isOwn) withoutOwnOps(t);
        const [w, v, g] = [1, 2, 3].map((seed) => tf.randomNormal(shape, 0, 1, 'float32', seed));
        const knobs = { lr: tf.scalar(0.1), momentum: tf.scalar(momentum), weightDecay: tf.scalar(0.01) };
        const before = tf.memory().numTensors;
        const [nextW, nextV] = sgdUpdate(w, v, g, knobs);
        assert.equal(tf.memory().numTensors, before + 2);
        assert.deepEqual([nextW.shape, nextV.shape], [shape, shape]);
        const [w0, v0, g0, w1] = [w, v, g, nextW].map((tensor) => tensor.dataSync());
        v.dispose();
        const v1 = nextV.dataSync();
        w0.forEach((_, i) => {
          const moved = momentum * v0[i] + g0[i] + 0.01 * w0[i];
          const velocity = momentum === 0 ? v0[i] : moved;
          assert.ok(Math.abs(v1[i] - velocity) < 1e-6, `velocity ${i} is ${v1[i]}, not ${velocity}`);
          assert.ok(Math.abs(w1[i] - (w0[i] - 0.1 * moved)) < 1e-6, `parameter ${i} is ${w1[i]}`);
        });
        const step = (...[a, b, c, lr, m, weightDecay]: tf.Tensor[]) => {
          const [parameter, velocity] = sgdUpdate(a, b, c, { lr, momentum: m, weightDecay } as typeof knobs);
          return { parameter, velocity };
        };
        const program = compile({ step }, { precision: 'float32' });
        const again = tf.tensor(v0, shape);
        const { parameter, velocity } = program.step(w, again, g, knobs.lr, knobs.momentum, knobs.weightDecay);
        assert.deepEqual(parameter.dataSync(), w1, 'compiled, the same to the last bit');
        assert.deepEqual(velocity.dataSync(), v1, 'compiled, the same to the last bit');
        program.dispose();
        tf.dispose([w, g, nextW, nextV, again, parameter, velocity, ...Object.values(knobs)]);
        assert.equal(tf.memory().numTensors, before - 6);
      });
    }
  }
}
