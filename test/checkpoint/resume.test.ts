import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import {
  type CheckpointOptions,
  cosine,
  type Dataset,
  deepCnn,
  randomCrop,
  randomFlip,
  sgd,
  split,
  withCheckpoints,
  type EpochRecord,
  linear,
  loadCifar10,
  restore,
  train,
  type TrainOptions,
  type TrainRecord,
} from 'cifar10';
import { fileName, latestCheckpoint, listCheckpoints, openCheckpoints } from 'cifar10/checkpoint';
import { comparedAccuracy, type SgdOptions } from 'cifar10/training';
import { setDropout, namedParameters } from 'cifar10/models';

const root = mkdtempSync(join(tmpdir(), 'resume-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = () => join(root, `run${++folders}`);

let data: Dataset;
before(async () => {
  data = split(await loadCifar10({ sample: true }), { validation: 50 });
});

/** Everything that a resumed run could get wrong: shuffling, crops, dropout, velocities, running statistics, schedules. */
interface RunOptions extends Partial<Omit<TrainOptions, 'optimizer'>>, SgdOptions {
  readonly optimizer?: TrainOptions['optimizer'];
  readonly checkpoint?: Partial<CheckpointOptions> & Pick<CheckpointOptions, 'dir'>;
}
const options: RunOptions = {
  epochs: 3,
  batchSize: 70,
  lr: (progress) => 0.05 * (1 - progress),
  momentum: 0.9,
  weightDecay: 1e-4,
  augment: [randomCrop(4), randomFlip()],
  seed: 5,
  precision: 'float32',
};

/** A training with SGD, saved where `checkpoint` says. */
function start(
  model: tf.LayersModel,
  { lr, momentum, nesterov, weightDecay, checkpoint, ...others }: RunOptions,
  images: Dataset = data,
) {
  const run = train(model, images, { optimizer: sgd({ lr, momentum, nesterov, weightDecay }), ...others });
  return checkpoint ? withCheckpoints(run, checkpoint) : run;
}
const tiny = () => deepCnn({ widths: [4, 4, 8, 8, 8, 8], seed: 1 });
const weights = (model: tf.LayersModel) =>
  namedParameters(model).map(({ variable }) => variable.dataSync<'float32'>().slice());

/** What is said on the console from now on. */
function warningsOf(t: TestContext): string[] {
  const said: string[] = [];
  t.mock.method(console, 'warn', (line: string) => said.push(line));
  return said;
}

/** Trains until a record is the last that is wanted, or to the end. */
async function run(
  model: tf.LayersModel,
  options: RunOptions,
  isEnough: (record: TrainRecord) => boolean = () => false,
) {
  const all: TrainRecord[] = [];
  for await (const record of start(model, options)) {
    all.push(record);
    if (isEnough(record)) break;
  }
  return all;
}

/** What does not depend on how fast the machine is. */
const numbers = (records: TrainRecord[]) =>
  records.flatMap((record) => {
    if (record.type === 'test') return [];
    const { epoch, lr } = record;
    if (record.type === 'step') return [[epoch, record.step, record.loss, record.accuracy, lr]];
    return [[epoch, record.train, record.test, record.validation, lr]];
  });

test('a run that was broken off, anywhere and more than once, ends as one that never was, bit for bit', async () => {
  const straight = tiny();
  const expected = await run(straight, options);
  const dir = newFolder();
  const seen: TrainRecord[] = [];
  const ends: ((record: TrainRecord) => boolean)[] = [
    (record) => record.type === 'step' && record.epoch === 1 && record.step === 2,
    (record) => record.type === 'step' && record.epoch === 1 && record.step === 4, // all steps done, not tested yet
    (record) => record.type === 'test' && record.batch === 2,
    (record) => record.type === 'epoch' && record.epoch === 1,
    (record) => record.type === 'step' && record.epoch === 3 && record.step === 1,
    () => false,
  ];
  for (const isEnough of ends) {
    const model = tiny();
    const part = await run(model, { ...options, checkpoint: { dir } }, isEnough);
    const past = seen.filter((record): record is EpochRecord => record.type === 'epoch');
    const restored = part.filter((record) => record.type === 'epoch' && record.restored);
    assert.deepEqual(numbers(restored), numbers(past), 'the epochs before come first');
    seen.push(...part.filter((record) => record.type !== 'epoch' || !record.restored));
    if (numbers(seen).length === numbers(expected).length) assert.deepEqual(weights(model), weights(straight));
    model.dispose();
  }
  assert.deepEqual(numbers(seen), numbers(expected));
  straight.dispose();
});

test('a finished run only replays its history', async () => {
  const dir = newFolder();
  const model = tiny();
  const first = await run(model, { ...options, epochs: 1, checkpoint: { dir } });
  const end = weights(model);
  const again = await run(model, { ...options, epochs: 1, checkpoint: { dir } });
  assert.deepEqual(numbers(again), numbers(first.slice(-1)));
  assert.deepEqual(weights(model), end);
  model.dispose();
});

test('fewer epochs than the run has come to are refused, with their number', async () => {
  const dir = newFolder();
  const model = tiny();
  const inThird = (record: TrainRecord) => record.type === 'step' && record.epoch === 3;
  const long = { ...options, lr: 0.05, checkpoint: { dir } };
  await run(model, long, inThird);
  await assert.rejects(
    run(model, { ...long, epochs: 2 }),
    /epochs is 2, and .* has come to epoch 3 already: give at least 3/,
  );
  await run(model, long);
  assert.equal((await run(model, long)).length, 3);
  await assert.rejects(run(model, { ...long, epochs: 2 }), /epochs is 2, and .* has come to epoch 3 already/);
  model.dispose();
});

const trainable = (model: tf.LayersModel) =>
  namedParameters(model)
    .filter((slot) => slot.trainable)
    .map(({ variable }) => variable.dataSync());

test('what makes going on impossible is named and refused; weights alone can be taken; or nothing', async () => {
  const dir = newFolder();
  const model = tiny();
  const fixed = { ...options, lr: 0.05 };
  await run(model, { ...fixed, checkpoint: { dir } }, (record) => record.type === 'step' && record.step === 2);
  const saved = weights(model);
  const changed: [options: RunOptions, says: RegExp][] = [
    [
      { lr: 0.01 },
      /as if it had never stopped:\n {2}lr was 0\.05, is 0\.01\nUse the same settings again, or name another folder\. .*resume: 'weights'.*resume: 'ignore'/s,
    ],
    [{ seed: 6, batchSize: 60 }, /batchSize was 70, is 60\n {2}seed was 5, is 6/],
    [{ augment: [] }, /augment was \["randomCrop\(4\)","randomFlip\(\)"\], is \[\]/],
    [{ lr: () => 0.05 }, /lr was 0\.05, is "\(\) => 0\.05"/],
    [{ lr: cosine(0.05) }, /lr was 0\.05, is "cosine\(0\.05, \{ end: 0 \}\)"/],
  ];
  for (const [change, says] of changed)
    await assert.rejects(run(model, { ...fixed, ...change, checkpoint: { dir } }), says);
  assert.deepEqual(weights(model), saved, 'a refusal changes nothing');
  const other = deepCnn({ widths: [4, 4, 8, 8, 8, 9], seed: 1 });
  await assert.rejects(run(other, { ...fixed, checkpoint: { dir } }), /layer \d+ of the model: filters was 8, is 9/);
  await assert.rejects(
    run(other, { ...fixed, checkpoint: { dir, resume: 'weights' } }),
    /is not of this model:\n {2}network\.19\.weight has shape \[8, 8, 3, 3\], the model \[9, 8, 3, 3\]/,
  );
  other.dispose();
  const less = { ...data, train: { ...data.train, images: data.train.images.slice().fill(7, 0, 1) } };
  await assert.rejects(
    start(model, { ...fixed, checkpoint: { dir } }, less).next(),
    /the data \(sha256\) is another one/,
  );
  // More epochs are no other run, as long as no schedule looks at them.
  const longer = await run(tiny(), { ...fixed, epochs: 4, checkpoint: { dir } }, () => true);
  assert.deepEqual([longer[0].epoch, longer[0].type === 'step' && longer[0].step], [1, 3]);
  const [fresh, saving] = [tiny(), tiny()];
  restore(saving, dir);
  const first = await run(fresh, { ...fixed, lr: 0, epochs: 1, checkpoint: { dir, resume: 'weights' } }, () => true);
  assert.equal(first[0].type === 'step' && first[0].step, 1, 'a new run');
  assert.deepEqual(trainable(fresh), trainable(saving), 'from the weights of the old one');
  const ignoring = tiny();
  await run(
    ignoring,
    { ...fixed, lr: 0, epochs: 1, weightDecay: 0, momentum: 0, checkpoint: { dir, resume: 'ignore' } },
    () => true,
  );
  const untouched = tiny();
  assert.deepEqual(trainable(ignoring), trainable(untouched));
  tf.dispose([model, fresh, saving, ignoring, untouched].map((m) => m.dispose()) as never);
});

test('a model of another seed, another activation or another dropout rate is named', async () => {
  const dir = newFolder();
  const once = { ...options, epochs: 1, checkpoint: { dir } };
  const enough = (record: TrainRecord) => record.type === 'step' && record.step === 2;
  const model = tiny();
  await run(model, once, (record) => {
    if (record.type === 'step') setDropout(model, 0.5); // the rate at the end is what is saved
    return enough(record);
  });
  await assert.rejects(run(tiny(), once), /layer \d+ of the model: rate was 0\.5, is 0\.2/);
  const other = deepCnn({ widths: [4, 4, 8, 8, 8, 8], seed: 2 });
  setDropout(other, 0.5);
  await assert.rejects(run(other, once), /the model's seed was 1, is 2\n/);
  const [next] = await run(model, once, () => true);
  assert.equal(next.type === 'step' && next.step, 3, 'the same goes on');
  for (const each of [model, other]) each.dispose();

  const own = (activation: 'relu' | 'tanh') =>
    tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [32, 32, 3] }),
        tf.layers.dense({ units: 4, activation }),
        tf.layers.dense({ units: 10 }),
      ],
    });
  const ownOnce = { ...once, checkpoint: { dir: newFolder() } };
  await run(own('relu'), ownOnce, enough);
  await assert.rejects(run(own('tanh'), ownOnce), /layer \d of the model: activation was "relu", is "tanh"/);
  const [again] = await run(own('relu'), ownOnce, enough);
  assert.equal(again.type === 'step' && again.step, 3, 'layers that tfjs has given other names are the same');
});

test('a schedule that uses a number from elsewhere is told from one with another number; a knob is not', async () => {
  const linearly = (lr: number) => (progress: number) => lr * (1 - progress);
  const first = { ...options, lr: linearly(0.05), checkpoint: { dir: newFolder() } };
  const model = tiny();
  await run(model, first, (record) => record.type === 'step' && record.step === 2);
  await assert.rejects(run(model, { ...first, lr: linearly(0.04) }), /lr was ".*: 0\.05, .*", is ".*: 0\.04, /);
  const knobs = { lr: 0.05 };
  const live = { ...options, lr: () => knobs.lr, checkpoint: { dir: newFolder() } };
  await run(model, live, (record) => record.type === 'step' && record.step === 2);
  knobs.lr = 0.01;
  const [record] = await run(model, live, () => true);
  assert.deepEqual(record.type === 'step' && [record.step, record.lr], [3, 0.01]);
  model.dispose();
});

test('what can go on says so; a run that begins anew each time does not', async () => {
  const checkpoint = { dir: newFolder() };
  const model = tiny();
  const [first] = await run(model, { ...options, checkpoint }, () => true);
  assert.equal(first.type === 'step' && first.resumable, true);
  for (const resume of ['weights', 'ignore'] as const) {
    const [record] = await run(model, { ...options, checkpoint: { ...checkpoint, resume } }, () => true);
    assert.equal(record.type === 'step' && record.resumable, undefined);
  }
  model.dispose();
});

test('a schedule that throws ends the run, which keeps all steps before', async () => {
  const dir = newFolder();
  const model = tiny();
  const lr = (progress: number) => (progress > 0.2 && progress < 0.3 ? NaN : 0.05);
  const broken = { ...options, lr, checkpoint: { dir, everySeconds: 1000 } };
  await assert.rejects(run(model, broken), /lr gave NaN at progress 0\.250/);
  const { epoch, step } = restore(model, dir);
  assert.deepEqual([epoch, step], [1, 3]);
  model.dispose();
});

test('the best is chosen by the validation images where there are some', () => {
  const epoch = (test: number, validation?: number) =>
    ({
      test: { accuracy: test },
      ...(validation && { validation: { accuracy: validation } }),
      bestBy: validation ? 'validation' : 'test',
    }) as EpochRecord;
  assert.equal(comparedAccuracy(epoch(0.4, 0.6)), 0.6);
  assert.equal(comparedAccuracy(epoch(0.7)), 0.7);
});

for (const resume of ['weights', 'ignore'] as const) {
  test(`a new run (resume: '${resume}') leaves the checkpoints of the one before`, async () => {
    const dir = newFolder();
    const model = tiny();
    await run(model, { ...options, checkpoint: { dir } });
    const before = listCheckpoints(dir);
    assert.ok(before.some(({ best }) => best));
    // Bad at first, so that it is better and better.
    await run(model, { ...options, lr: 0.2, epochs: 4, checkpoint: { dir, resume, keep: 1 } });
    const after = listCheckpoints(dir);
    assert.deepEqual(after.slice(0, before.length), before);
    const own = after.slice(before.length);
    assert.ok(own.length >= 1 && own.length <= 2 && own.some(({ best }) => best), `${own.length} of its own`);
    // It goes on as any other, and still leaves them.
    await run(model, { ...options, lr: 0.2, epochs: 6, checkpoint: { dir, keep: 1 } });
    assert.deepEqual(listCheckpoints(dir).slice(0, before.length), before);
    assert.ok(listCheckpoints(dir).length <= before.length + 2);
    model.dispose();
  });
}

test('an epoch that is the best, but could not be saved, leaves the next one to be it', async (t) => {
  const warnings = warningsOf(t);
  const dir = newFolder();
  const model = linear({ widths: [4, 4] });
  // Nothing is learned, so no epoch is better than the first.
  const still = { ...options, lr: 0, epochs: 3, checkpoint: { dir, everyEpochs: 1 } };
  for await (const record of start(model, still)) {
    if (record.type === 'test' && record.epoch === 1 && !existsSync(`${dir}-away`)) {
      renameSync(dir, `${dir}-away`);
      writeFileSync(dir, '');
    }
    if (record.type !== 'epoch' || record.epoch > 1) continue;
    rmSync(dir);
    renameSync(`${dir}-away`, dir);
  }
  assert.ok(warnings.some((line) => line.startsWith('Not saved')));
  assert.equal(restore(model, dir, { which: 'best' }).history.length, 2);
  model.dispose();
});

test('a best epoch whose checkpoint is damaged is trained again, and is the best again', async (t) => {
  warningsOf(t);
  const dir = newFolder();
  const model = tiny();
  const long = { ...options, checkpoint: { dir, everyEpochs: 1 } };
  const isFirst = (record: TrainRecord) => record.type === 'epoch' && record.epoch === 1;
  await run(model, long, (record) => record.type === 'step' && record.step === 2);
  await run(model, long, isFirst);
  const saved = listCheckpoints(dir);
  assert.deepEqual(
    saved.map(({ best }) => best),
    [false, true],
  );
  const file = join(dir, fileName(saved[1].ordinal, 'weights'));
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(file, bytes);
  await run(model, long, isFirst);
  assert.equal(restore(model, dir, { which: 'best' }).history.length, 1);
  model.dispose();
});

test('weights that are no numbers are not saved, and the error promises no checkpoint that is not there', async () => {
  const dir = newFolder();
  const model = linear({ widths: [4, 4] });
  const broken = run(model, { ...options, lr: 1e300, checkpoint: { dir, everySeconds: 1e-9 } });
  await assert.rejects(broken, ({ message }: Error) => /diverged/.test(message) && !message.includes('restore'));
  assert.equal(latestCheckpoint(dir), undefined);
  model.dispose();
});

test('a run that can’t save its end says so', async (t) => {
  const warnings = warningsOf(t);
  const dir = newFolder();
  const model = tiny();
  await run(model, { ...options, checkpoint: { dir } }, (record) => {
    if (record.type !== 'step' || record.step < 2) return false;
    rmSync(dir, { recursive: true });
    writeFileSync(dir, '');
    return true;
  });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^Not saved: .*The run has ended, and only the model holds what it learned since/s);
  model.dispose();
});

test('two schedules of one kind are told apart by their numbers', async () => {
  const dir = newFolder();
  const model = tiny();
  const first = { ...options, lr: cosine(0.05), checkpoint: { dir } };
  await run(model, first, (record) => record.type === 'step' && record.step === 2);
  await assert.rejects(run(model, { ...first, lr: cosine(0.01) }), /lr was "cosine\(0\.05, .*is "cosine\(0\.01, /);
  const [record] = await run(model, { ...first, lr: cosine(0.05) }, () => true);
  assert.equal(record.type === 'step' && record.step, 3);
  model.dispose();
});

test('a checkpoint of another TensorFlow goes on, and says that the last bits may differ', async (t) => {
  const dir = newFolder();
  const once = { ...options, checkpoint: { dir } };
  const model = tiny();
  await run(model, once, (record) => record.type === 'step' && record.step === 2);
  const { weights: saved, state, info } = latestCheckpoint(dir)!;
  const store = openCheckpoints(dir);
  store.save({ weights: saved, state, info: { ...info, versions: { tensorflow: '1.0.0' } } });
  store.close();
  const warnings = t.mock.method(console, 'warn', () => {});
  const [record] = await run(model, once, () => true);
  assert.equal(record.type === 'step' && record.step, 3);
  assert.match(
    String(warnings.mock.calls[0].arguments[0]),
    /is of TensorFlow 1\.0\.0, and this is \d.*not to the last bit/,
  );
  await run(model, once, () => true);
  assert.equal(warnings.mock.callCount(), 1, 'its own checkpoint needs no warning');
  model.dispose();
});

test('restore says what is missing, and changes nothing then', async () => {
  const dir = newFolder();
  const model = linear({ widths: [16, 16] });
  const stopped = (record: TrainRecord) => record.type === 'step' && record.step === 2;
  await run(model, { ...options, checkpoint: { dir } }, stopped);
  const other = linear({ widths: [16, 16], seed: 9 });
  const before = weights(other);
  assert.throws(
    () => restore(other, dir, { which: 'best' }),
    /No checkpoint in .* was saved as the best: take 'latest'/,
  );
  assert.throws(
    () => restore(other, dir, { which: 'newest' as 'best' }),
    /which is "newest"; expected 'latest' or 'best'/,
  );
  assert.throws(() => restore(other, newFolder()), /There is no checkpoint in/);
  assert.throws(() => restore(other, join(dir, readdirSync(dir)[0])), /is a file; expected a folder/);
  const foreign = newFolder();
  const store = openCheckpoints(foreign);
  const { weights: saved, state } = latestCheckpoint(dir)!;
  store.save({ weights: saved, state, info: {}, best: true });
  store.close();
  assert.throws(() => restore(other, foreign), /was not saved by withCheckpoints/);
  assert.deepEqual(weights(other), before);
  assert.equal(restore(other, dir).step, 2);
  assert.deepEqual(weights(other), weights(model));
  for (const each of [model, other]) each.dispose();
});

test('divergence stops the run before anything is saved, and the last good weights come back in one call', async () => {
  const dir = newFolder();
  const model = linear({ widths: [16, 16] });
  const explode = {
    ...options,
    lr: (progress: number) => (progress < 0.4 ? 0.01 : 1e30),
    checkpoint: { dir, everyEpochs: 1 },
  };
  await assert.rejects(
    run(model, explode),
    /diverged.*restore\(model, ".*", \{ which: 'best' \}\) brings the best weights/,
  );
  assert.ok(weights(model).some((values) => values.some((value) => !Number.isFinite(value) || Math.abs(value) > 1e6)));
  const position = restore(model, dir);
  assert.equal(position.epoch, 2);
  assert.equal(position.history.length, 1);
  assert.ok(weights(model).every((values) => values.every((value) => Math.abs(value) < 10)));
  model.dispose();
});

test('divergence before anything was saved does not promise what is not there, nor at the end of the last epoch', async () => {
  const steep = { ...options, lr: 1e30, batchSize: 250, epochs: 1 };
  for (const lost of [steep, { ...steep, batchSize: 50 }]) {
    const dir = newFolder();
    const model = linear({ widths: [16, 16] });
    await assert.rejects(
      run(model, { ...lost, checkpoint: { dir } }),
      /diverged.*no good weights any more: make a new one/,
    );
    assert.equal(latestCheckpoint(dir), undefined);
    model.dispose();
  }
});

test('an abort while the test images are classified loses nothing', async () => {
  const dir = newFolder();
  const straight = tiny();
  const expected = await run(straight, { ...options, epochs: 1 });
  const abort = new AbortController();
  const model = tiny();
  const part: TrainRecord[] = [];
  for await (const record of start(model, { ...options, epochs: 1, signal: abort.signal, checkpoint: { dir } })) {
    part.push(record);
    // The turn after the last step belongs to the test.
    if (record.type === 'step' && record.step === record.steps) setTimeout(() => abort.abort(), 1);
  }
  assert.ok(!part.some(({ type }) => type === 'epoch'), 'it ended before its test did');
  const rest = await run(model, { ...options, epochs: 1, checkpoint: { dir } });
  assert.deepEqual(numbers(rest.slice(-1)), numbers(expected.slice(-1)));
  assert.deepEqual(weights(model), weights(straight));
  tf.dispose([model.dispose(), straight.dispose()] as never);
});

test('a folder that can’t be made is refused at once', async () => {
  const model = tiny();
  for (const dir of ['/proc/nothing/here', __filename, join(__filename, 'below')]) {
    await assert.rejects(run(model, { ...options, checkpoint: { dir } }), (error: Error) =>
      error.message.includes(dir),
    );
  }
  model.dispose();
});

test('checkpoints leave no tensor and no lock behind', async () => {
  const dir = newFolder();
  const model = tiny();
  const before = tf.memory().numTensors;
  await run(model, { ...options, epochs: 1, checkpoint: { dir, everySeconds: 0.001 } });
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.startsWith('.')),
    [],
  );
  model.dispose();
});

test('a checkpoint folder that can’t be written any more is told of, and the training goes on', async (t) => {
  const dir = newFolder();
  const warnings = warningsOf(t);
  const model = tiny();
  const all: TrainRecord[] = [];
  for await (const record of start(model, { ...options, epochs: 2, checkpoint: { dir, everyEpochs: 1 } })) {
    all.push(record);
    if (record.type === 'epoch' && record.epoch === 1) {
      // A file where the folder was: as when a disk is unplugged.
      renameSync(dir, `${dir}.gone`);
      writeFileSync(dir, '');
    }
  }
  assert.equal(all.filter(({ type }) => type === 'epoch').length, 2);
  assert.ok(warnings.length > 0 && /^Not saved: .*The training goes on/s.test(warnings[0]), warnings.join());
  assert.equal(restore(model, `${dir}.gone`).epoch, 2, 'what was good is loadable');
  model.dispose();
});
