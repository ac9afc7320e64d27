import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import {
  type Cifar10,
  deepCnn,
  findLr,
  type FindLrOptions,
  linear,
  loadCifar10,
  type LrRecord,
  sgd,
  train,
} from 'cifar10';
import { lrSearch } from 'cifar10/training';
import { lrCurve } from 'cifar10/charts';
import { namedParameters } from 'cifar10/models';

let data: Cifar10;
before(async () => {
  data = await loadCifar10({ sample: true });
});

const small = { batchSize: 100, precision: 'float32' } as const;
const tiny = () => deepCnn({ widths: [4, 4, 8, 8, 8, 8] });
/** The bytes of all arrays of a model, batch norm's statistics too. */
const bytes = (model: tf.LayersModel) =>
  namedParameters(model).map(({ variable }) => {
    const { buffer, byteOffset, byteLength } = variable.dataSync<'float32'>();
    return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
  });

async function records(model: tf.LayersModel, options: Partial<FindLrOptions> = {}): Promise<LrRecord[]> {
  const all: LrRecord[] = [];
  for await (const record of findLr(model, data, { ...small, ...options })) all.push(record);
  return all;
}

test('the learning rate grows by the same factor from step to step, from the first to the last', async () => {
  const model = linear({ widths: [8, 8] });
  const all = await records(model, { from: 1e-4, to: 1e-2, steps: 5 });
  const expected = [1e-4, 10 ** -3.5, 1e-3, 10 ** -2.5, 1e-2];
  assert.deepEqual(
    all.map(({ step, steps }) => [step, steps]),
    [1, 2, 3, 4, 5].map((step) => [step, 5]),
  );
  all.forEach(({ lr }, i) => assert.ok(Math.abs(lr / expected[i] - 1) < 1e-9, `${lr}`));
  model.dispose();
});

test('the weights are really trained with it: the losses are those of SGD with that learning rate', async () => {
  const [model, twin] = [1, 2].map(() => linear({ widths: [8, 8], seed: 5 }));
  const lrs = [0.01, 0.02, 0.04];
  const found = await records(model, { from: 0.01, to: 0.04, steps: 3, shuffle: false });
  const trained: number[] = [];
  const schedule = (progress: number) => lrs[Math.round(progress * 3)];
  for await (const record of train(twin, data, {
    ...small,
    epochs: 1,
    optimizer: sgd({ lr: schedule }),
    shuffle: false,
  })) {
    if (record.type === 'step') trained.push(record.loss);
  }
  assert.deepEqual(
    found.map(({ loss }) => loss),
    trained,
  );
  tf.dispose([model, twin].map((model) => model.weights.map((weight) => weight.read())));
});

test('afterwards all arrays are what they were, to the last bit, and no tensor is left', async () => {
  const model = tiny();
  for await (const record of train(model, data, { ...small, epochs: 1 })) void record;
  const start = bytes(model);
  const count = tf.memory().numTensors;
  for await (const { step } of findLr(model, data, {
    ...small,
    steps: 3,
    optimizer: sgd({ momentum: 0.9 }),
    from: 0.01,
  })) {
    assert.ok(step <= 3);
  }
  assert.deepEqual(bytes(model), start);
  assert.equal(tf.memory().numTensors, count);
  for await (const { step } of findLr(model, data, small)) if (step === 1) break;
  assert.deepEqual(bytes(model), start, 'after break');
  await assert.rejects(async () => {
    for await (const { step } of findLr(model, data, small)) if (step === 1) throw new Error('in the loop');
  }, /in the loop/);
  assert.deepEqual(bytes(model), start, 'after an error');
  assert.equal(tf.memory().numTensors, count);
  model.dispose();
});

test('an error in the middle of a step gives the weights back, too', async () => {
  const model = linear({ widths: [8, 8] });
  const start = bytes(model);
  const count = tf.memory().numTensors;
  const images = new Uint8Array(data.train.images.length);
  const broken = { train: { ...data.train, images } };
  const run = findLr(model, broken, { ...small, steps: 6, shuffle: false, from: 1 });
  await run.next();
  // The next batch is a view of these bytes, which are gone by then.
  structuredClone(images.buffer, { transfer: [images.buffer] });
  await assert.rejects(async () => {
    for await (const record of run) void record;
  });
  assert.deepEqual(bytes(model), start);
  assert.equal(tf.memory().numTensors, count);
  model.dispose();
});

test('a search that can’t begin leaves the model to the next one', async () => {
  const model = linear({ widths: [8, 8] });
  model.dispose();
  for (let time = 0; time < 2; time++) await assert.rejects(records(model, { steps: 4 }), /already disposed/);
});

test('while the model is being trained the search is refused, and the training goes on as if nobody had asked', async () => {
  const losses = async (search: boolean) => {
    const model = linear({ widths: [8, 8], seed: 3 });
    const all: number[] = [];
    for await (const record of train(model, data, { ...small, epochs: 2 })) {
      if (record.type === 'step') all.push(record.loss);
      else if (search)
        await assert.rejects(records(model, { steps: 4, from: 0.1 }), /is being trained by another call/);
    }
    model.dispose();
    return all;
  };
  assert.deepEqual(await losses(true), await losses(false));
});

test('the search ends soon after the loss explodes, without an error, and with finite losses only', async () => {
  const model = linear();
  const start = bytes(model);
  const all = await records(model, { from: 1e-3, to: 1e9, steps: 60 });
  assert.ok(all.length > 10 && all.length < 50, `${all.length} steps`);
  assert.ok(all.every(({ loss }) => Number.isFinite(loss)));
  assert.deepEqual(bytes(model), start);
  model.dispose();
});

test('a signal ends the search after the current batch; one that was aborted before lets nothing begin', async () => {
  const model = linear({ widths: [8, 8] });
  const start = bytes(model);
  const abort = new AbortController();
  let seen = 0;
  for await (const { step } of findLr(model, data, { ...small, signal: abort.signal })) {
    seen = step;
    if (step === 4) abort.abort();
  }
  assert.equal(seen, 4);
  assert.deepEqual(bytes(model), start);
  assert.deepEqual(await records(model, { signal: abort.signal }), []);
  model.dispose();
});

for (const { options, says } of [
  { options: { lr: 0.1 }, says: /findLr has no option lr; it has from, to, steps/ },
  { options: { from: 0 }, says: /findLr: from is 0; expected a number > 0/ },
  { options: { to: Infinity }, says: /to is Infinity/ },
  { options: { from: 1, to: 0.1 }, says: /from is 1 and to is 0\.1; expected a from below to/ },
  { options: { steps: 1 }, says: /steps is 1; expected an integer ≥ 2/ },
  { options: { momentum: 0.9 }, says: /findLr has no option momentum/ },
  { options: { optimizer: 'sgd' }, says: /optimizer is "sgd"; expected an optimizer/ },
  { options: { batchSize: 301 }, says: /batchSize: 301; expected an integer from 1 to 300/ },
  { options: { augment: { zoom: 1 } }, says: /augment is/ },
]) {
  test(`${JSON.stringify(options)} is refused at once`, () => {
    const model = linear({ widths: [4, 4] });
    assert.throws(() => findLr(model, data, options as object), says);
    model.dispose();
  });
}

/** Losses as they look: flat, a fall around `fallsAt`, then an explosion; with a little noise. */
const typical = (noise: number, depth = 0.4) =>
  Array.from({ length: 90 }, (_, i) => {
    const lr = 10 ** (-5 + (6 * i) / 99);
    const fall = depth / (1 + (0.02 / lr) ** 1.5);
    const loss = 2.3 - fall + (lr / 0.8) ** 3 + noise * Math.sin(i * 12.9898) * Math.cos(i * 78.233);
    return { lr, loss };
  });

test('the suggestion is the middle of the slope, and noise moves it little', () => {
  const { suggestion, points } = lrSearch(typical(0));
  const losses = typical(0).map(({ loss }) => loss);
  const half = (losses[0] + Math.min(...losses)) / 2;
  const truth = typical(0).find(({ loss }) => loss <= half)!.lr;
  assert.ok(suggestion && Math.abs(Math.log10(suggestion / truth)) < 0.1, `${suggestion}, not ${truth}`);
  assert.equal(points.length, 90);
  const noisy = lrSearch(typical(0.05)).suggestion!;
  assert.ok(noisy / suggestion < 1.5 && noisy / suggestion > 0.66, `${noisy} for ${suggestion}`);
});

test('where the loss does not fall clearly, or hardly anything was seen, there is no suggestion', () => {
  assert.equal(lrSearch(typical(0.05, 0)).suggestion, undefined);
  assert.equal(lrSearch(typical(0).slice(0, 5)).suggestion, undefined);
  assert.equal(lrSearch(typical(0).map(({ lr }) => ({ lr, loss: 2.3 }))).suggestion, undefined);
  assert.deepEqual(lrSearch([]), { points: [] });
});

test('the chart has a logarithmic axis, marks the suggestion, and cuts off what explodes', () => {
  const { points, suggestion } = lrSearch(typical(0.01));
  const { xaxis, yaxis, shapes, annotations } = lrCurve(points, { suggestion }).layout as unknown as {
    xaxis: { type: string; range: number[] };
    yaxis: { range: number[] };
    shapes: { x0: number }[];
    annotations: { text: string; x: number }[];
  };
  assert.equal(xaxis.type, 'log');
  assert.equal(shapes[0].x0, suggestion);
  assert.ok(Math.abs(annotations[0].x - Math.log10(suggestion!)) < 1e-9);
  assert.match(annotations[0].text, /^suggestion: 0\.0\d+$/);
  assert.ok(yaxis.range[1] < 3 && Math.max(...points.map(({ loss }) => loss)) > yaxis.range[1]);
  assert.deepEqual((lrCurve([]).layout as { shapes?: object[] }).shapes, undefined);
});
