import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { crossEntropy, linear, sgd } from 'cifar10';
import { CUSTOM_OPS, sgdUpdate } from 'cifar10/engine';
import { makeTrainStep, trainInputs } from 'cifar10/training';
import { compiledAndEager, opsOf, opsOfTypes, randoms, relativeError, skip } from './customOps';

type Gradient = (x: tf.Tensor, dy: tf.Tensor) => tf.Tensor;
const gradientOf: Gradient = (x, dy) => tf.matMul(x, dy, true, false);

/** A step of SGD for weights that have this gradient. */
const stepOf =
  (gradient: Gradient, nesterov = false) =>
  (
    x: tf.Tensor,
    dy: tf.Tensor,
    w: tf.Tensor,
    v: tf.Tensor,
    hyperparameters: tf.Tensor,
  ): Record<'w' | 'v', tf.Tensor> => {
    const [lr, momentum, weightDecay] = tf.unstack(hyperparameters) as tf.Scalar[];
    const [nextW, nextV] = sgdUpdate(w, v, gradient(x, dy), { lr, momentum, weightDecay, nesterov });
    return { w: nextW, v: nextV };
  };

/** Of x, dy, w and v. */
const shapesOf = (rows: number, inputs: number, outputs: number): number[][] => [
  [rows, inputs],
  [rows, outputs],
  [inputs, outputs],
  [inputs, outputs],
];

// Inputs on both sides of a group of 12 and of a part of 96; an odd number of panels; more rows than are summed at once; the
// course's own layers.
for (const [rows, inputs, outputs] of [
  [1, 1, 16],
  [5, 7, 48],
  [33, 96, 32],
  [256, 97, 80],
  [600, 109, 16],
  [256, 3072, 512],
  [80, 4096, 1024],
]) {
  for (const [momentum, nesterov] of [
    [0, false],
    [0.9, false],
    [0.9, true],
  ] as const) {
    test(
      `[${rows}, ${inputs}]ᵀ · [${rows}, ${outputs}], momentum ${momentum}${nesterov ? ', Nesterov' : ''}: as product and step apart`,
      { skip },
      () => {
        const arguments_ = [...randoms(...shapesOf(rows, inputs, outputs)), tf.tensor1d([0.1, momentum, 0.01])];
        const { first, again, eager } = compiledAndEager(stepOf(gradientOf, nesterov), arguments_);
        for (const name of ['w', 'v'] as const) {
          const error = relativeError(first[name], eager[name]);
          assert.deepEqual(first[name].shape, [inputs, outputs]);
          assert.ok(error < 2e-6, `${name} is off by ${error.toExponential(1)}`);
          assert.deepEqual(again[name].dataSync(), first[name].dataSync(), 'the same each time');
        }
        if (momentum === 0) assert.deepEqual(first.v.dataSync(), arguments_[3].dataSync(), 'v is left alone');
        tf.dispose([arguments_, first, again, eager]);
      },
    );
  }
}

test('takes the place of the gradient and of its step', { skip }, () => {
  const found = opsOf(stepOf(gradientOf), ...shapesOf(8, 24, 32), [3]);
  assert.ok(found.includes(CUSTOM_OPS.matMulSgd) && !found.includes(CUSTOM_OPS.sgd));
});

const others: [string, ReturnType<typeof stepOf>, [number, number, number]][] = [
  ['ten outputs', stepOf(gradientOf), [8, 24, 10]],
  ['no rows', stepOf(gradientOf), [0, 24, 32]],
  ['another gradient', stepOf((x, dy) => tf.mul(2, gradientOf(x, dy))), [8, 24, 32]],
  ['both factors transposed', stepOf((x, dy) => tf.matMul(x, dy, true, true)), [32, 32, 32]],
  ['a gradient of factors that lie otherwise', stepOf((x, dy) => tf.matMul(tf.transpose(x), dy)), [8, 24, 32]],
];
for (const [name, step, [rows, inputs, outputs]] of others) {
  test(`${name}: the two ops stay`, { skip }, () => {
    const found = opsOf(step, ...shapesOf(rows, inputs, outputs), [3]);
    assert.ok(found.includes(CUSTOM_OPS.sgd) && found.includes('MatMul') && !found.includes(CUSTOM_OPS.matMulSgd));
  });
}

test('so it does in the training of a model', { skip }, () => {
  const model = linear();
  const step = makeTrainStep(model, { optimizer: sgd({ momentum: 0.9 }), loss: crossEntropy(), augment: [] });
  const found = opsOfTypes(step.run, trainInputs(4, [32, 32, 3], step.scalarsAt(1, 0).length));
  // The last layer has ten outputs; and there is each layer's bias.
  assert.equal(found.filter((op) => op === CUSTOM_OPS.matMulSgd).length, 2);
  assert.equal(found.filter((op) => op === CUSTOM_OPS.sgd).length, 4);
  step.dispose();
  model.dispose();
});

test('a gradient that is asked for, too, is computed once', { skip }, () => {
  const both = (...[x, dy, w, v, hyperparameters]: tf.Tensor[]) => {
    let asked!: tf.Tensor;
    const step = stepOf((a, b) => (asked = gradientOf(a, b)))(x, dy, w, v, hyperparameters);
    return { ...step, asked };
  };
  const found = opsOf(both, ...shapesOf(8, 24, 32), [3]);
  assert.ok(found.includes(CUSTOM_OPS.sgd) && !found.includes(CUSTOM_OPS.matMulSgd));
  assert.equal(found.filter((op) => op === 'MatMul').length, 1);
});
