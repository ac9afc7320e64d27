import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import {
  type Cifar10,
  type Dataset,
  deepCnn,
  type EpochRecord,
  evaluate,
  linear,
  loadCifar10,
  predict,
  randomCrop,
  randomFlip,
  sgd,
  split,
  type StepRecord,
  train,
  type TrainOptions,
  type TrainRecord,
} from 'cifar10';
import { namedParameters } from 'cifar10/models';

let data: Cifar10;
before(async () => {
  data = await loadCifar10({ sample: true });
});

const small = { epochs: 2, batchSize: 64, optimizer: sgd({ lr: 0.05 }), precision: 'float32' } as const;
const crops = [randomCrop(4), randomFlip()];
const tiny = () => deepCnn({ widths: [4, 4, 8, 8, 8, 8] });

async function records(
  model: tf.LayersModel,
  options: Partial<TrainOptions> = {},
  images: Dataset = data,
): Promise<TrainRecord[]> {
  const all: TrainRecord[] = [];
  for await (const record of train(model, images, { ...small, ...options })) all.push(record);
  return all;
}
/** 1 to n. */
const range = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const losses = (all: TrainRecord[]) => all.flatMap((record) => (record.type === 'step' ? [record.loss] : []));
const weights = (model: tf.LayersModel) =>
  namedParameters(model).map(({ variable }) => variable.dataSync<'float32'>().slice());
/** The largest difference between two models' weights. */
function largest(a: Float32Array[], b: Float32Array[]): number {
  let max = 0;
  a.forEach((values, i) => values.forEach((value, k) => (max = Math.max(max, Math.abs(value - b[i][k])))));
  return max;
}

test('a run yields a record a step and a record an epoch, and the model learns', async () => {
  const model = linear();
  const all = await records(model, { epochs: 8 });
  const epochs = all.filter((record): record is EpochRecord => record.type === 'epoch');
  const steps = all.filter((record): record is StepRecord => record.type === 'step');
  assert.equal(epochs.length, 8);
  assert.deepEqual(
    steps.slice(0, 5).map(({ epoch, step }) => [epoch, step]),
    [
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
      [1, 5],
    ],
  );
  assert.equal(steps.length, 8 * 5, '300 images make 5 batches of at most 64');
  assert.ok(epochs[7].train.loss < epochs[0].train.loss - 0.1, `${epochs[0].train.loss} → ${epochs[7].train.loss}`);
  assert.ok(epochs.every(({ test, seconds }) => test.accuracy >= 0 && test.accuracy <= 1 && seconds > 0));
  const lastScore = await evaluate(model, data.test, { batchSize: 64, precision: 'float32' });
  assert.deepEqual(lastScore, epochs[7].test, 'the model is left as the last record describes it');
  model.dispose();
});

test('one seed gives the same numbers to the last bit; another seed gives others', async () => {
  const run = async (seed: number) => {
    const model = tiny();
    const all = losses(await records(model, { seed, optimizer: sgd({ lr: 0.05, momentum: 0.9 }), augment: crops }));
    const end = weights(model);
    model.dispose();
    return { all, end };
  };
  const [first, second, other] = [await run(3), await run(3), await run(4)];
  assert.deepEqual(first, second);
  assert.notDeepEqual(first.all, other.all);
});

test('an augmentation whose numbers are functions changes between two batches, with the numbers of a fixed one', async () => {
  const run = async (augment: TrainOptions['augment']) => {
    const model = linear({ widths: [8, 8] });
    const all = losses(await records(model, { augment }));
    model.dispose();
    return all;
  };
  const [never, always] = [await run([]), await run(crops)];
  assert.notDeepEqual(never, always);
  assert.deepEqual(await run([randomCrop(() => 0), randomFlip(() => 0)]), never);
  assert.deepEqual(await run([randomCrop(() => 4), randomFlip(() => 0.5)]), always);
  const later = await run([
    randomCrop((progress) => (progress < 0.5 ? 4 : 0)),
    randomFlip((progress) => (progress < 0.5 ? 0.5 : 0)),
  ]);
  assert.deepEqual(later.slice(0, 5), always.slice(0, 5));
  assert.notDeepEqual(later[5], always[5], 'the first step of the second half sees whole images');
  await assert.rejects(run([randomCrop(() => -1)]), /randomCrop: padding gave -1 at progress 0\.000; expected/);
});

test('compiled and eager agree to rounding: the linear net after 5 steps, the deep one after one', async () => {
  const compare = async (make: () => tf.LayersModel, batchSize: number, stopAfter: number) => {
    const ends: Float32Array[][] = [];
    for (const compiled of [true, false]) {
      const model = make();
      let steps = 0;
      for await (const record of train(model, data, {
        ...small,
        batchSize,
        optimizer: sgd({ lr: 0.05, momentum: 0.9, weightDecay: 1e-4 }),
        compiled,
      })) {
        if (record.type === 'step' && ++steps === stopAfter) break;
      }
      ends.push(weights(model));
      model.dispose();
    }
    return largest(ends[0], ends[1]);
  };
  assert.ok((await compare(() => linear(), 60, 5)) <= 1e-6);
  // Channels in multiples of 16, for which convolutions are our own.
  const deep = () => deepCnn({ widths: [16, 16, 32, 32, 16, 16] });
  assert.ok((await compare(deep, 100, 1)) <= 1e-4);
});

test('an epoch’s learning rate is that of its last step, whatever a knob says later', async () => {
  const model = linear({ widths: [8, 8] });
  let knob = 0.1;
  for await (const record of train(model, data, { ...small, epochs: 1, optimizer: sgd({ lr: () => knob }) })) {
    if (record.type === 'test') knob = 0.5;
    if (record.type === 'epoch') assert.equal(record.lr, 0.1);
  }
  model.dispose();
});

test('knobs change from step to step: schedules are functions of progress', async () => {
  const model = linear({ widths: [8, 8] });
  const all = await records(model, { batchSize: 150, optimizer: sgd({ lr: (progress) => 0.1 * (1 - progress) }) });
  const lrs = all.flatMap((record) => (record.type === 'step' ? [record.lr] : []));
  [0.1, 0.075, 0.05, 0.025].forEach((lr, i) => assert.ok(Math.abs(lrs[i] - lr) < 1e-9));
  model.dispose();
});

test('validation images are reported beside the test images, and choose the best epoch', async () => {
  const model = linear({ widths: [8, 8] });
  const all = await records(model, { batchSize: 50 }, split(data, { validation: 100 }));
  const epochs = all.filter((record): record is EpochRecord => record.type === 'epoch');
  assert.ok(epochs.every(({ validation, bestBy }) => validation !== undefined && bestBy === 'validation'));
  assert.equal(losses(all).length, 2 * (200 / 50), '100 of 300 images are set aside');
  const tested = all.filter(({ type }) => type === 'test').map((record) => record.type === 'test' && record.batch);
  const batches = (data.test.size + 100) / 50;
  assert.deepEqual(tested, [...range(batches), ...range(batches)], 'each batch of both is told');
  model.dispose();
});

test('break, an AbortSignal, an error in the loop and the end leave no tensor behind', async (t) => {
  const model = tiny();
  const count = tf.memory().numTensors;
  await records(model);
  assert.equal(tf.memory().numTensors, count, 'after a whole run');
  for await (const record of train(model, data, small)) if (record.type === 'step' && record.step === 2) break;
  assert.equal(tf.memory().numTensors, count, 'after break');
  const abort = new AbortController();
  let seen = 0;
  for await (const record of train(model, data, { ...small, signal: abort.signal })) {
    seen++;
    if (record.type === 'step' && record.step === 3) abort.abort();
  }
  assert.equal(seen, 3, 'nothing comes after the batch in which it was aborted');
  assert.equal(tf.memory().numTensors, count, 'after abort');
  await assert.rejects(async () => {
    for await (const record of train(model, data, small)) throw new Error(record.type);
  }, /step/);
  assert.equal(tf.memory().numTensors, count, 'after an error in the loop');
  for (const lr of [NaN, 'much'])
    await assert.rejects(records(model, { optimizer: sgd({ lr: () => lr as number }) }), /lr gave/);
  assert.equal(tf.memory().numTensors, count, 'after a schedule that gives nonsense');
  t.mock.method(model, 'apply', () => {
    throw new Error('no answer');
  });
  await assert.rejects(evaluate(model, data.test), /no answer/);
  await assert.rejects(predict(model, data.test), /no answer/);
  assert.equal(tf.memory().numTensors, count, 'after a model that fails');
  model.dispose();
});

test('whoever evaluates, predicts or copies the model meanwhile changes nothing', async () => {
  const [model, watched, copy] = [tiny(), tiny(), tiny()];
  const expected = losses(await records(model));
  let start = weights(copy);
  const found: number[] = [];
  for await (const record of train(watched, data, small)) {
    if (record.type !== 'step') continue;
    if (record.step === 1) {
      copy.setWeights(watched.getWeights()); // now they share their values
      start = weights(copy);
    }
    found.push(record.loss);
    await evaluate(watched, data.test, { precision: 'float32' });
    await predict(watched, data.test, { precision: 'float32' });
  }
  assert.deepEqual(found, expected);
  assert.equal(largest(weights(watched), weights(model)), 0);
  assert.equal(largest(weights(copy), start), 0);
  for (const each of [model, watched, copy]) each.dispose();
});

test('break keeps what was learned', async () => {
  const model = linear({ widths: [8, 8] });
  const start = weights(model);
  for await (const record of train(model, data, small)) if (record.type === 'step' && record.step === 2) break;
  assert.ok(largest(weights(model), start) > 0);
  model.dispose();
});

test('a loss that is not finite ends the run with step, learning rate and advice', async () => {
  const model = linear();
  await assert.rejects(
    records(model, { optimizer: sgd({ lr: 1e6 }) }),
    /The loss is (NaN|Infinity) at step \d of epoch 1, with lr 1000000.*smaller/,
  );
  model.dispose();
});

test('a loss that is not finite on the test images only ends the run as well', async () => {
  const model = linear();
  // One step an epoch: its own loss is of the weights before.
  await assert.rejects(
    records(model, { optimizer: sgd({ lr: 1e30 }), batchSize: 300, epochs: 1 }),
    /The loss is (NaN|Infinity) on new images, after epoch 1, with lr 1e\+30.*smaller.*make a new one/,
  );
  model.dispose();
});

test('a frozen layer stays as it is, compiled or not', async () => {
  for (const compiled of [true, false]) {
    const model = linear({ widths: [8, 8] });
    model.getLayer('linear1').trainable = false;
    const before = weights(model);
    await records(model, { epochs: 1, optimizer: sgd({ weightDecay: 0.1 }), compiled });
    const moved = weights(model).map((values, i) => largest([values], [before[i]]) > 0);
    assert.deepEqual(moved, [false, false, true, true, true, true]);
    model.dispose();
  }
});

test('a signal that was aborted before lets no step begin', async () => {
  const model = linear({ widths: [8, 8] });
  const before = weights(model);
  assert.deepEqual(await records(model, { signal: AbortSignal.abort() }), []);
  assert.deepEqual(weights(model), before);
  model.dispose();
});

test('of two trainings of one model at once the second is refused, and none once the first has ended', async () => {
  const model = linear({ widths: [8, 8] });
  const first = train(model, data, small);
  await first.next();
  await assert.rejects(records(model), /train: linear is being trained by another call that has not ended/);
  await first.return();
  assert.ok((await records(model, { epochs: 1 })).length > 0);
  model.dispose();
});

test('a training that can’t begin leaves the model to the next one', async () => {
  const model = linear({ widths: [8, 8] });
  model.dispose();
  for (let time = 0; time < 2; time++) await assert.rejects(records(model), /already disposed/);
});

test('a split that is not whole is refused at once, by train, evaluate and predict', async () => {
  const model = linear({ widths: [4, 4] });
  const { train: images, test: none } = data;
  const half = { ...images, size: 150 };
  assert.throws(
    () => train(model, { ...data, train: { ...images, size: 600 } }),
    /training images: size is 600, with 921,600/,
  );
  assert.throws(
    () => train(model, { ...data, test: { ...none, images: new Uint8Array(0), size: 0 } }),
    /test images: size is 0/,
  );
  assert.throws(
    () => train(model, { train: images } as Cifar10),
    /train: the test images are undefined; expected images/,
  );
  await assert.rejects(evaluate(model, half), /evaluate: the images: size is 150, .* and 300 labels; expected/);
  await assert.rejects(predict(model, half), /predict: the images: size is 150/);
  await assert.rejects(predict(model, undefined as never), /predict: the images are undefined; expected images/);
  model.dispose();
});

const refused: { options: object; says: RegExp }[] = [
  { options: { learningRate: 0.1 }, says: /train has no option learningRate; it has epochs, batchSize, optimizer/ },
  { options: { optimizer: 'adam' }, says: /optimizer is "adam"; expected an optimizer, such as sgd/ },
  { options: { optimizer: [] }, says: /optimizer is \[\]; expected/ },
  { options: { optimizer: [{ where: () => true }] }, says: /optimizer is .*; expected an optimizer/ },
  { options: { loss: 'mse' }, says: /loss is "mse"; expected a function of logits and labels/ },
  { options: { batchSize: 0 }, says: /batchSize is 0/ },
  { options: { batchSize: 301 }, says: /batchSize: 301; expected an integer/ },
  { options: { epochs: 0 }, says: /epochs is 0/ },
  { options: { epochs: 1.5 }, says: /epochs is 1.5/ },
  { options: { augment: { crop: 4 } }, says: /augment is \{ crop: 4 \}; expected a list of functions/ },
  { options: { augment: ['crop'] }, says: /augment is \[ 'crop' \]; expected/ },
  { options: { precision: 'half' }, says: /precision is "half"/ },
  {
    options: { precision: 'bfloat16', compiled: false },
    says: /precision is 'bfloat16' with compiled: false; expected/,
  },
  { options: { signal: 'stop' }, says: /signal is "stop"; expected an AbortSignal/ },
];
for (const { options, says } of refused) {
  test(`${JSON.stringify(options)} is refused at once`, () => {
    const model = linear({ widths: [4, 4] });
    assert.throws(() => train(model, data, options), says);
    model.dispose();
  });
}

test('a schedule that gives nonsense ends the run, and labels without a class are refused at once', async () => {
  const model = linear({ widths: [4, 4] });
  await assert.rejects(records(model, { optimizer: sgd({ lr: () => NaN }) }), /lr gave NaN at progress 0\.000/);
  const labels = data.train.labels.slice();
  labels[7] = 10;
  assert.throws(() => train(model, { ...data, train: { ...data.train, labels } }), /label 10 of image 7.*0 to 9/);
  await assert.rejects(evaluate(model, { ...data.train, labels }), /evaluate: the images: label 10 of image 7/);
  await assert.rejects(evaluate(model, data.test, { batch: 3 } as object), /evaluate has no option batch/);
  model.dispose();
});

test('predict gives probabilities for each image, and leaves no tensor behind', async () => {
  const model = tiny();
  const count = tf.memory().numTensors;
  const probabilities = await predict(model, data.test, { batchSize: 64, precision: 'float32' });
  assert.equal(probabilities.length, 200 * 10);
  for (let i = 0; i < 200; i++) {
    const sum = probabilities.subarray(i * 10, (i + 1) * 10).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - 1) < 1e-3);
  }
  let correct = 0;
  for (let i = 0; i < 200; i++) {
    const row = probabilities.subarray(i * 10, (i + 1) * 10);
    if (row.indexOf(Math.max(...row)) === data.test.labels[i]) correct++;
  }
  const { accuracy } = await evaluate(model, data.test, { precision: 'float32' });
  assert.equal(correct / 200, accuracy);
  assert.equal(tf.memory().numTensors, count);
  model.dispose();
});
