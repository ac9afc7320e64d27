// npm run bench:epoch [-- MODEL …]: what a whole epoch costs (shuffling, augmentation, metrics, evaluation, records) against
// the bare steps that it consists of. Both take turns in one process.
import * as tf from '@tensorflow/tfjs-node';
import { crossEntropy, deepCnn, linear, loadCifar10, randomCrop, randomFlip, sgd, shallowCnn } from 'cifar10';
import { type Split, subset, train } from 'cifar10';
import { uint8Tensor, compile } from 'cifar10/engine';
import { makeTestStep, makeTrainStep } from 'cifar10/training';

const BATCH = 256;
const ROUNDS = 5;

const models = { linear, shallow: shallowCnn, deep: deepCnn };
type Model = keyof typeof models;

/** Batches of an epoch, to learn from and to test with: as many as CIFAR-10 has, or a tenth where they take long. */
const sizes: Record<Model, [learn: number, test: number]> = { linear: [196, 40], shallow: [20, 4], deep: [20, 4] };

/** As in the course. */
const augmentations = {
  linear: [],
  shallow: [randomCrop(4), randomFlip()],
  deep: [randomCrop(4), randomFlip()],
};

/** The same images again and again: what they show costs nothing. */
const repeated = (split: Split, batches: number): Split =>
  subset(
    split,
    Array.from({ length: batches * BATCH }, (_, i) => i % split.size),
  );

/** The steps alone, on inputs that are ready; gives the seconds of an epoch's worth of them. */
function bareEpoch(kind: Model, { images, labels }: Split): () => number {
  const [learnSteps, testSteps] = sizes[kind];
  const model = models[kind]();
  const loss = crossEntropy();
  const optimizer = sgd({ lr: 0.001, momentum: 0.9, weightDecay: 1e-4 });
  const { run: learn, scalarsAt } = makeTrainStep(model, { optimizer, loss, augment: [] });
  const program = compile({ learn, test: makeTestStep(model, loss) });
  const x = uint8Tensor(images.subarray(0, BATCH * 3072), [BATCH, 32, 32, 3]);
  const y = tf.tensor1d(Int32Array.from(labels.subarray(0, BATCH)), 'int32');
  const [key, scalars] = [tf.tensor1d([1, 2], 'int32'), tf.tensor1d(scalarsAt(1, 0))];
  return () => {
    const start = performance.now();
    for (let i = 0; i < learnSteps; i++) tf.dispose(program.learn(x, y, key, scalars));
    for (let i = 0; i < testSteps; i++) tf.dispose(program.test(x, y));
    return (performance.now() - start) / 1000;
  };
}

async function measure(kind: Model): Promise<void> {
  const sample = await loadCifar10({ sample: true });
  const [learnSteps, testSteps] = sizes[kind];
  const data = { train: repeated(sample.train, learnSteps), test: repeated(sample.test, testSteps) };
  const bare = bareEpoch(kind, data.train);
  bare();
  const [whole, alone]: [number[], number[]] = [[], []];
  const options = { epochs: ROUNDS + 1, optimizer: sgd({ lr: 0.001, momentum: 0.9 }), augment: augmentations[kind] };
  let started = performance.now();
  for await (const record of train(models[kind](), data, options)) {
    if (record.type !== 'epoch') continue;
    // Not the first: TensorFlow optimises the graph in it.
    if (record.epoch > 1) whole.push((performance.now() - started) / 1000);
    alone.push(bare());
    started = performance.now();
  }
  const [epoch, steps] = [Math.min(...whole), Math.min(...alone)];
  console.log(
    `${kind}: epoch of ${learnSteps} + ${testSteps} batches ${epoch.toFixed(3)} s, its bare steps ${steps.toFixed(3)} s, ratio ${(epoch / steps).toFixed(3)} (minima of ${ROUNDS})`,
  );
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  for (const kind of asked.length > 0 ? asked : Object.keys(models)) {
    if (!(kind in models)) throw new Error(`There is no model ${kind}; there are ${Object.keys(models).join(', ')}.`);
    await measure(kind as Model);
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
