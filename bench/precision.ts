// npm run bench:precision [-- MODEL …] [--seeds N] [--epochs N] [--images N]: what bfloat16 costs in accuracy. Both precisions
// train the same models in the same order of batches, on the first N images (all, unless said); the mean test accuracies of
// the last epochs are compared.
import { parseArgs } from 'node:util';
import {
  deepCnn,
  linear,
  loadCifar10,
  type Precision,
  randomCrop,
  randomFlip,
  sgd,
  shallowCnn,
  take,
  train,
} from 'cifar10';
import type { TrainData } from 'cifar10';

const models = { linear, shallow: shallowCnn, deep: deepCnn };
type Model = keyof typeof models;
const PRECISIONS = ['float32', 'bfloat16'] as const satisfies Precision[];

/** Test accuracy (0 to 1) after the last epoch, with the recipe of the course. */
async function accuracy(kind: Model, data: TrainData, seed: number, epochs: number, precision: Precision) {
  const model = models[kind]({ seed });
  const optimizer = sgd({ lr: 0.1, weightDecay: 1e-4, momentum: kind === 'deep' ? 0.9 : 0 });
  const augment = kind === 'deep' ? [randomCrop(4), randomFlip()] : [];
  let last = 0;
  for await (const record of train(model, data, { batchSize: 256, optimizer, augment, seed, epochs, precision })) {
    if (record.type === 'epoch') last = record.test.accuracy;
  }
  model.dispose();
  return last;
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      seeds: { type: 'string', default: '3' },
      epochs: { type: 'string', default: '5' },
      images: { type: 'string' },
    },
    allowPositionals: true,
  });
  const [seeds, epochs] = [Number(values.seeds), Number(values.epochs)];
  const asked = positionals.length > 0 ? positionals : ['deep'];
  if (!(seeds >= 1 && epochs >= 1) || asked.some((name) => !(name in models)))
    throw new Error('Usage: npm run bench:precision -- [linear|shallow|deep …] [--seeds N] [--epochs N] [--images N]');
  const all = await loadCifar10();
  const images = Number(values.images ?? all.train.size);
  const data = { train: take(all.train, images), test: all.test };
  for (const kind of asked as Model[]) {
    const results: Record<string, number[]> = { float32: [], bfloat16: [] };
    for (let seed = 0; seed < seeds; seed++) {
      for (const precision of PRECISIONS) results[precision].push(await accuracy(kind, data, seed, epochs, precision));
      console.log(`${kind}, seed ${seed}: ${PRECISIONS.map((p) => `${p} ${percent(results[p][seed])}`).join(', ')}`);
    }
    const [float32, bfloat16] = PRECISIONS.map((precision) => mean(results[precision]));
    const points = (100 * (bfloat16 - float32)).toFixed(2);
    console.log(
      `${kind}, ${seeds} seeds × ${epochs} epochs of ${images} images, means: float32 ${percent(float32)}, bfloat16 ${percent(bfloat16)}: ${points} points.`,
    );
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
