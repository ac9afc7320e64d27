import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { adam, adamW, isBiasOrNorm, linear, loadCifar10, type Optimizer, sgd, train } from 'cifar10';
import { namedParameters } from 'cifar10/models';
import { close } from '../numbers';
import { root } from '../project';
import { compile } from 'cifar10/engine';

/** What PyTorch computed (test/fixtures/torch/torch_optimizers.py). */
interface Golden {
  readonly start: Named;
  readonly gradients: Named[];
  readonly optimizers: {
    readonly name: 'SGD' | 'Adam' | 'AdamW';
    readonly options: TorchOptions;
    readonly after: Named[];
  }[];
}
type Named = Readonly<Record<'weight' | 'bias', tf.TensorLike>>;
interface TorchOptions {
  readonly lr: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weight_decay?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
}
const golden = JSON.parse(readFileSync(join(root, 'test', 'fixtures', 'torch', 'optimizers.json'), 'utf8')) as Golden;
const NAMES = ['weight', 'bias'] as const;

function fromTorch(name: Golden['optimizers'][number]['name'], options: TorchOptions): Optimizer {
  const { lr, momentum, nesterov, weight_decay: weightDecay, betas: [beta1, beta2] = [], eps: epsilon } = options;
  if (name === 'SGD') return sgd({ lr, momentum, nesterov, weightDecay });
  const given = { lr, beta1, beta2, epsilon, weightDecay };
  const adamOptions = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return name === 'Adam' ? adam(adamOptions) : adamW(adamOptions);
}

/** The parameters after each of the golden steps. */
function walk({ hyperparameters, slots = [], update }: Optimizer, isCompiled: boolean): Record<string, number[]>[] {
  const parameters = NAMES.map((name) => tf.tidy(() => tf.variable(tf.tensor(golden.start[name]))));
  const memory = parameters.map((parameter) =>
    slots.map((name) => [name, tf.tidy(() => tf.variable(tf.zerosLike(parameter), false))] as const),
  );
  const step = (scalars: tf.Tensor, ...gradients: tf.Tensor[]) => {
    const [t, ...values] = tf.unstack(scalars) as tf.Scalar[];
    const named = Object.fromEntries(Object.keys(hyperparameters).map((name, i) => [name, values[i]]));
    parameters.forEach((parameter, place) => {
      const tensors = { parameter, gradient: gradients[place], ...Object.fromEntries(memory[place]) };
      const next = update(tensors, { ...named, step: t });
      for (const [name, variable] of memory[place]) variable.assign(next[name]);
      parameter.assign(next.parameter);
    });
    return { t: tf.add(t, 0) };
  };
  const program = isCompiled ? compile({ step }, { precision: 'float32' }) : undefined;
  const after = golden.gradients.map((gradients, index) => {
    tf.tidy(() => {
      const values = Object.values(hyperparameters).map((value) => (typeof value === 'number' ? value : value(0)));
      (program ?? { step }).step(
        tf.tensor1d([index + 1, ...values]),
        ...NAMES.map((name) => tf.tensor(gradients[name])),
      );
    });
    program?.sync();
    return Object.fromEntries(NAMES.map((name, place) => [name, [...parameters[place].dataSync()]]));
  });
  program?.dispose();
  tf.dispose([parameters, memory.flat().map(([, variable]) => variable)]);
  return after;
}

for (const { name, options, after } of golden.optimizers) {
  for (const isCompiled of [false, true]) {
    test(`${name} ${JSON.stringify(options)} takes PyTorch's steps, ${isCompiled ? 'compiled' : 'eager'}`, () => {
      const before = tf.memory().numTensors;
      walk(fromTorch(name, options), isCompiled).forEach((parameters, index) => {
        for (const each of NAMES) {
          const expected = (after[index][each] as number[][]).flat();
          close(parameters[each], expected, 2e-6, `step ${index + 1}, ${each}`);
        }
      });
      assert.equal(tf.memory().numTensors, before);
    });
  }
}

/** Losses of each step, and the first weights of each parameter at the end. */
async function trained(optimizer: Parameters<typeof train>[2] & object) {
  const data = await loadCifar10({ sample: true });
  const model = linear({ widths: [16, 16], seed: 2 });
  const losses: number[] = [];
  for await (const record of train(model, data, {
    epochs: 3,
    batchSize: 50,
    seed: 3,
    precision: 'float32',
    ...optimizer,
  })) {
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
