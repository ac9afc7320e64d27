import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { adam, adamW, compile, isBiasOrNorm, linear, loadCifar10, type Optimizer, sgd, train } from 'cifar10';
import { namedParameters } from 'cifar10/models';
import { root } from '../project';

const SHAPES = [[2, 3], [2]];
const START = [[0.5, -1, 2, 0.1, 0, -0.3], [0.2, -0.4]]; // prettier-ignore

/** The gradient of element `index` of parameter `place`, at step `t`. */
const gradientAt = (place: number, index: number, t: number) => (index + 1) * (place + 1) * 0.01 * (-1) ** (index * t);

/** Five steps on two parameters; gives them as plain numbers. */
function walk(optimizer: Optimizer, isCompiled: boolean, gradients = gradientAt, start = START, shapes = SHAPES) {
  const { hyperparameters, slots = [], update } = optimizer;
  const parameters = start.map((values, place) => tf.tidy(() => tf.variable(tf.tensor(values, shapes[place]))));
  const memory = parameters.map((parameter) =>
    slots.map((name) => [name, tf.tidy(() => tf.variable(tf.zerosLike(parameter), false))] as const),
  );
  const names = Object.keys(hyperparameters);
  const step = (scalars: tf.Tensor, ...each: tf.Tensor[]) => {
    const [t, ...values] = tf.unstack(scalars) as tf.Scalar[];
    const named = { ...Object.fromEntries(names.map((name, i) => [name, values[i]])), step: t };
    parameters.forEach((parameter, place) => {
      const tensors = { parameter, gradient: each[place], ...Object.fromEntries(memory[place]) };
      const next = update(tensors, named);
      for (const [name, variable] of memory[place]) variable.assign(next[name]);
      parameter.assign(next.parameter);
    });
    return { t: tf.add(t, 0) };
  };
  const program = isCompiled ? compile({ step }, { precision: 'float32' }) : undefined;
  for (let t = 1; t <= 5; t++) {
    tf.tidy(() => {
      const each = parameters.map(({ shape, size }, place) =>
        tf.tensor(
          Float32Array.from({ length: size }, (_, i) => gradients(place, i, t)),
          shape,
        ),
      );
      const values = Object.values(hyperparameters).map((value) => (typeof value === 'number' ? value : value(0)));
      (program ?? { step }).step(tf.tensor1d([t, ...values]), ...each);
    });
  }
  program?.dispose();
  const values = parameters.map((parameter) => [...parameter.dataSync()]);
  tf.dispose([parameters, memory.flat().map(([, variable]) => variable)]);
  return values;
}

// PyTorch 2.15 on the same parameters and gradients, lr 0.01.
const goldens: { name: string; optimizer: Optimizer; values: number[][] }[] = [
  {
    name: 'Adam',
    optimizer: adam({ lr: 0.01 }),
    values: [
      [0.45, -0.9856505, 1.95, 0.1143494, -0.05, -0.2856506],
      [0.1500001, -0.3856505],
    ],
  },
  {
    name: 'Adam with β₁ 0.8 and weight decay 0.01',
    optimizer: adam({ lr: 0.01, beta1: 0.8, weightDecay: 0.01 }),
    values: [
      [0.4500623, -0.9705149, 1.9500184, 0.1123775, -0.0499816, -0.2847346],
      [0.1500421, -0.382903],
    ],
  },
];
for (const { name, optimizer, values } of goldens) {
  for (const isCompiled of [false, true]) {
    test(`${name} takes PyTorch's steps, ${isCompiled ? 'compiled' : 'eager'}`, () => {
      const before = tf.memory().numTensors;
      walk(optimizer, isCompiled).forEach((parameter, place) =>
        parameter.forEach((value, i) =>
          assert.ok(Math.abs(value - values[place][i]) < 2e-6, `${value} instead of ${values[place][i]}`),
        ),
      );
      assert.equal(tf.memory().numTensors, before);
    });
  }
}
void [readFileSync, join, root, adamW];

/** Losses of each step, and the first weights of each parameter at the end. */
async function trained(optimizer: Parameters<typeof train>[2] & object) {
  const data = await loadCifar10({ sample: true });
  const model = linear({ widths: [16, 16], seed: 2 });
  const losses: number[] = [];
  for await (const record of train(model, data, { epochs: 3, batchSize: 50, seed: 3, precision: 'float32', ...optimizer })) {
    if (record.type === 'step') losses.push(record.loss);
  }
  const ends = namedParameters(model).map(({ name, variable }) => [name, variable.dataSync<'float32'>().slice(0, 4)]);
  model.dispose();
  return { losses, ends };
}
const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;

for (const optimizer of [adam(), adamW(), sgd({ lr: 0.02, momentum: 0.9, nesterov: true })]) {
  test(`train learns with ${optimizer.name}`, async () => {
    const { losses } = await trained({ optimizer });
    const [first, last] = [mean(losses.slice(0, 6)), mean(losses.slice(-6))];
    assert.ok(last < first - 0.1, `${first} → ${last}`);
  });
}

test('each group of parameters moves by its own optimizer; one without where takes the rest', async () => {
  const still = sgd({ lr: 0 });
  const initial = await trained({ optimizer: still });
  const { ends } = await trained({ optimizer: [{ where: isBiasOrNorm, use: still }, { use: adam() }] });
  for (const [index, [name, values]] of ends.entries()) {
    if (String(name).endsWith('.bias')) assert.deepEqual(values, initial.ends[index][1], String(name));
    else assert.notDeepEqual(values, initial.ends[index][1], String(name));
  }
  const both = await trained({ optimizer: [{ where: isBiasOrNorm, use: adam() }, { use: adam() }] });
  assert.deepEqual(both, await trained({ optimizer: adam() }), 'the same for all is as one');
  await assert.rejects(
    trained({ optimizer: [{ where: isBiasOrNorm, use: adam() }] }),
    /No group of the optimizer takes linear_relu_stack\.0\.weight: end the list with a group without where/,
  );
});

for (const [make, says] of [
  [() => sgd({ lr: -1 }), /sgd: lr is -1; expected a number ≥ 0, or a function of progress/],
  [() => sgd({ lr: NaN }), /sgd: lr is NaN/],
  [() => sgd({ lr: Infinity }), /sgd: lr is Infinity/],
  [() => sgd({ lr: '0.1' as unknown as number }), /sgd: lr is "0\.1"/],
  [() => sgd({ momentum: 1 }), /sgd: momentum is 1; expected a number in \[0, 1\)/],
  [() => adam({ beta2: 1 }), /adam: beta2 is 1; expected a number in \[0, 1\)/],
  [() => adamW({ weightDecay: -1 }), /adamW: weightDecay is -1/],
] as const) {
  test(`refused at once: ${says.source}`, () => {
    assert.throws(make, { name: 'RangeError', message: says });
  });
}
