// The library is open: what a reader writes in a cell, with public entries only, works everywhere.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import {
  cutout,
  deepCnn,
  type EpochRecord,
  evaluate,
  findLr,
  interpret,
  loadCifar10,
  randomCrop,
  randomFlip,
  resnet9,
  sgd,
  type TrainOptions,
  train,
} from 'cifar10';
import { lrSearch } from 'cifar10/training';
import { confusionMatrix, learningCurves, lrCurve, reliabilityDiagram } from 'cifar10/charts';
import { root, temporaryFolder } from '../project';
import { colorJitter, focal, lion, polynomial, smallResnet, squareOut, stripes } from './extensions';

const PRECISIONS = ['float32', 'bfloat16'] as const;

/** Runs the worker; kills it after so many steps, if told to. Gives the lines that it printed. */
async function work(t: TestContext, dir: string, precision: string, killAfter = Infinity): Promise<string[]> {
  const child = spawn(process.execPath, [join(__dirname, 'worker.js'), dir, precision], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (lines.push(line) === killAfter) child.kill('SIGKILL');
  }
  await ended;
  return lines;
}

for (const precision of PRECISIONS) {
  test(`all extensions together, in ${precision}: killed twice, the run ends with the same bits`, async (t) => {
    const whole = await work(t, temporaryFolder(t), precision);
    assert.equal(whole.length, 3 * 5 + 1);
    const dir = temporaryFolder(t);
    const seen = new Map<string, string>();
    for (const killAfter of [4, 5, Infinity]) {
      for (const line of await work(t, dir, precision, killAfter)) {
        const [step, value] = line.split(' ');
        assert.equal(seen.get(step) ?? value, value, `step ${step} has the same loss when it is repeated`);
        seen.set(step, value);
      }
    }
    assert.deepEqual(
      [...seen].map((entry) => entry.join(' ')),
      whole,
    );
  });
}

const data = stripes(470);
const make = () => smallResnet(data.imageShape, data.classNames.length);
const parts: [name: string, options: Partial<TrainOptions>][] = [
  ['an optimizer', { optimizer: lion() }],
  ['a schedule', { optimizer: sgd({ lr: polynomial(0.3), momentum: 0.9 }) }],
  ['two augmentations', { augment: [squareOut(8), colorJitter(0.2)] }],
  ['built-in augmentations', { augment: [randomCrop(2), randomFlip(), cutout(6)] }],
  ['a loss', { loss: focal(2) }],
];
for (const [name, options] of parts) {
  for (const precision of PRECISIONS) {
    test(`${name} of one's own trains compiled in ${precision}`, async () => {
      const model = make();
      const losses: number[] = [];
      for await (const record of train(model, data, { epochs: 2, batchSize: 47, precision, ...options })) {
        if (record.type === 'step') losses.push(record.loss);
      }
      assert.equal(losses.length, 10);
      assert.ok(losses[9] < losses[0], losses.join(' '));
      model.dispose();
    });
  }
  test(`${name} of one's own: compiled and op by op agree`, async () => {
    const [compiled, eager] = await Promise.all(
      [true, false].map(async (compiled) => {
        const model = make();
        const losses: number[] = [];
        for await (const record of train(model, data, {
          epochs: 1,
          batchSize: 47,
          precision: 'float32',
          compiled,
          ...options,
        })) {
          if (record.type === 'step') losses.push(record.loss);
        }
        model.dispose();
        return losses;
      }),
    );
    assert.ok(Math.abs(compiled[0] - eager[0]) < 1e-5, `${compiled[0]} and ${eager[0]}`);
    assert.ok(Math.abs(compiled[2] - eager[2]) < 1e-2, `${compiled[2]} and ${eager[2]}`);
  });
}

test('the finder takes them, charts draw them, interpret explains them', async () => {
  const model = make();
  const records = [];
  const options = { optimizer: lion(), loss: focal(2), augment: [squareOut(8)], batchSize: 47 } as const;
  for await (const record of findLr(model, data, { ...options, steps: 12, from: 1e-4, to: 0.1 })) records.push(record);
  assert.equal(lrCurve(lrSearch(records).points).data.length > 0, true);
  const epochs: EpochRecord[] = [];
  for await (const record of train(model, data, {
    ...options,
    epochs: 12,
    optimizer: lion({ lr: polynomial(0.004) }),
  })) {
    if (record.type === 'epoch') epochs.push(record);
  }
  assert.ok(learningCurves(epochs).data.length >= 4);
  const result = await interpret(model, data.test);
  const { accuracy } = await evaluate(model, data.test);
  assert.equal(result.accuracy, accuracy);
  assert.ok(accuracy > 0.2, `${accuracy}, where chance is 0.02`);
  assert.equal(result.perClass.length, 47);
  assert.equal(result.topLosses(5).length, 5);
  assert.ok(confusionMatrix(result).data.length > 0);
  assert.ok(reliabilityDiagram(result.calibration(10)).data.length > 0);
  model.dispose();
});

test('the networks of the course take images and classes of another data set', async () => {
  for (const network of [deepCnn, resnet9]) {
    const model = network({ inputShape: data.imageShape, classes: 47, widths: undefined });
    assert.deepEqual(model.outputShape, [null, 47]);
    model.dispose();
  }
  const sample = await loadCifar10({ sample: true });
  const model = smallResnet(sample.imageShape, 10);
  for await (const { type } of train(model, sample, { epochs: 1, batchSize: 100, optimizer: lion() })) void type;
  model.dispose();
});

test('the same, as cells of a notebook in a real kernel', async () => {
  const { runCells, textOf, PLOTLY } = await import('../kernel/kernel');
  const source = readFileSync(join(root, 'test', 'extending', 'extensions.ts'), 'utf8').replaceAll(/^export /gm, '');
  const cells = runCells([
    { code: source },
    {
      code: `
import { interpret, show, train, watch, withCheckpoints } from 'cifar10';
import { confusionMatrix } from 'cifar10/charts';
const data = stripes(470);
const model = smallResnet(data.imageShape, data.classNames.length);
const history = await watch(train(model, data, {
  epochs: 2, batchSize: 47, optimizer: lion({ lr: polynomial(0.003) }), augment: [squareOut(8), colorJitter(0.2)], loss: focal(2),
}));
console.log('epochs', history.epochs.length);`,
    },
    {
      code: 'const result = await interpret(model, data.test); show(confusionMatrix(result)); console.log(result.perClass.length);',
    },
  ]);
  for (const cell of cells) assert.equal(cell.status, 'ok', textOf(cell));
  assert.match(textOf(cells[1]), /epochs 2/);
  assert.match(textOf(cells[2]), /47/);
  assert.ok(cells[2].outputs.some(({ data }) => data?.[PLOTLY]));
});
