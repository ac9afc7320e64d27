import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compile, linear, loadCifar10, train } from 'cifar10';
import { optimizers } from 'cifar10/training';
import { temporaryFolder } from '../project';

/** The gradient of element `index` of parameter `place`, at step `t`. */
const gradientAt = (place: number, index: number, t: number) => (index + 1) * (place + 1) * 0.01 * (-1) ** (index * t);

/** Five steps on two parameters; gives them as plain numbers. */
function walk(name: keyof typeof optimizers, momentum: number, weightDecay: number, isCompiled: boolean) {
  const start = [tf.tensor2d([[0.5, -1, 2], [0.1, 0, -0.3]]), tf.tensor1d([0.2, -0.4])]; // prettier-ignore
  const parameters = start.map((values) => tf.variable(values));
  tf.dispose(start);
  const optimizer = optimizers[name](parameters);
  const step = (...gradients: tf.Tensor[]) => {
    const named = Object.fromEntries(parameters.map((parameter, i) => [parameter.name, gradients[i]]));
    const scalar = (value: number) => tf.scalar(value);
    optimizer.apply(named, { lr: scalar(0.01), momentum: scalar(momentum), weightDecay: scalar(weightDecay) });
    return { done: tf.add(tf.sum(gradients[0]), 0) };
  };
  const program = isCompiled ? compile({ step }, { precision: 'float32' }) : undefined;
  for (let t = 1; t <= 5; t++) {
    const gradients = parameters.map((parameter, place) =>
      tf.tensor(
        Float32Array.from({ length: parameter.size }, (_, i) => gradientAt(place, i, t)),
        parameter.shape,
      ),
    );
    tf.tidy(() => void (program ?? { step }).step(...gradients));
    tf.dispose(gradients);
  }
  program?.dispose();
  const values = parameters.map((parameter) => [...parameter.dataSync()]);
  tf.dispose(parameters);
  optimizer.dispose();
  return values;
}

// torch.optim.Adam of PyTorch 2.15 on the same parameters and gradients, lr 0.01.
const goldens = [
  {
    momentum: 0.9,
    weightDecay: 0,
    values: [
      [0.45, -0.9856505, 1.95, 0.1143494, -0.05, -0.2856506],
      [0.1500001, -0.3856505],
    ],
  },
  {
    momentum: 0.8,
    weightDecay: 0.01,
    values: [
      [0.4500623, -0.9705149, 1.9500184, 0.1123775, -0.0499816, -0.2847346],
      [0.1500421, -0.382903],
    ],
  },
];
for (const { momentum, weightDecay, values } of goldens) {
  for (const isCompiled of [false, true]) {
    const way = isCompiled ? 'compiled' : 'eager';
    test(`Adam takes PyTorch's steps, ${way}, β₁ ${momentum}, weight decay ${weightDecay}`, () => {
      const before = tf.memory().numTensors;
      walk('adam', momentum, weightDecay, isCompiled).forEach((parameter, place) =>
        parameter.forEach((value, i) =>
          assert.ok(Math.abs(value - values[place][i]) < 2e-6, `${value} instead of ${values[place][i]}`),
        ),
      );
      assert.equal(tf.memory().numTensors, before);
    });
  }
}

test('train takes an optimiser by name, learns with it, and goes on from a checkpoint to the last bit', async (t) => {
  const data = await loadCifar10({ sample: true });
  const options = { optimizer: 'adam', epochs: 3, batchSize: 50, lr: 1e-3, seed: 3, precision: 'float32' } as const;
  const run = async (more: object, stopAt = Infinity) => {
    const model = linear({ widths: [16, 16], seed: 2 });
    const losses: number[] = [];
    for await (const record of train(model, data, { ...options, ...more })) {
      if (record.type === 'step' && losses.push(record.loss) === stopAt) break;
    }
    model.dispose();
    return losses;
  };
  const whole = await run({});
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  assert.ok(
    mean(whole.slice(-6)) < mean(whole.slice(0, 6)) - 0.1,
    `${mean(whole.slice(0, 6))} → ${mean(whole.slice(-6))}`,
  );
  const checkpoint = { dir: temporaryFolder(t) };
  const first = await run({ checkpoint }, 8);
  assert.deepEqual([...first, ...(await run({ checkpoint }))], whole);
  await assert.rejects(
    (async () => {
      for await (const record of train(linear({ widths: [16, 16], seed: 2 }), data, {
        ...options,
        optimizer: 'sgd',
        checkpoint,
      }))
        assert.fail(record.type);
    })(),
    /optimizer was "adam", is "sgd"/,
  );
});

test('an optimiser that there is none of is refused by name', async () => {
  const data = await loadCifar10({ sample: true });
  const model = linear({ widths: [8, 8] });
  assert.throws(() => train(model, data, { optimizer: 'adagrad' as 'adam' }), /optimizer.*adagrad.*sgd.*adam/s);
  model.dispose();
});
