// npm run reproduce [-- NAME …]: the four experiments of the PyTorch original, 100 epochs each, in the order of its batches.
// A run that was stopped goes on when it is called again. Histories are written to data/results, and the README's table is
// made from them.
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type * as tf from '@tensorflow/tfjs-node';
import {
  type Cifar10,
  deepCnn,
  type EpochRecord,
  createRun,
  linear,
  loadCifar10,
  randomCrop,
  randomFlip,
  sgd,
  shallowCnn,
  train,
  type TrainOptions,
  withCheckpoints,
} from 'cifar10';
import { writeFileSafely } from 'cifar10/util';
import { versions } from 'cifar10/engine';
import { resolvePrecision } from 'cifar10/engine';

const root = join(__dirname, '..', '..');
const EPOCHS = 100;

interface Experiment {
  readonly title: string;
  /** Best test accuracy of the original, on the official files. */
  readonly original: number;
  readonly model: (options: { seed: number }) => tf.LayersModel;
  readonly options: Partial<TrainOptions>;
}

const naive = {
  batchSize: 256,
  optimizer: sgd({ lr: 0.1, weightDecay: 1e-4 }),
  shuffle: false,
} satisfies Partial<TrainOptions>;
const regularized = {
  ...naive,
  optimizer: sgd({ lr: 0.1, momentum: 0.9, weightDecay: 1e-4 }),
  augment: [randomCrop(4), randomFlip()],
} satisfies Partial<TrainOptions>;

export const experiments: Record<string, Experiment> = {
  linear: { title: 'linear network', original: 0.5538, model: linear, options: naive },
  shallow: { title: 'shallow CNN', original: 0.6787, model: shallowCnn, options: naive },
  augmented: {
    title: 'shallow CNN, crops, flips, momentum',
    original: 0.7635,
    model: shallowCnn,
    options: regularized,
  },
  deep: { title: 'deep CNN, batch norm, dropout', original: 0.9123, model: deepCnn, options: regularized },
};

/** What is kept of a run: all that one needs to judge it, and to draw its curves. */
export interface RecordedRun {
  readonly experiment: string;
  readonly seed: number;
  readonly epochs: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly precision: string;
  readonly machine: string;
  readonly versions: Record<string, string>;
  /** Of loadCifar10: names the data. */
  readonly data: { hash: string; official: boolean };
  readonly history: readonly Pick<EpochRecord, 'epoch' | 'train' | 'test' | 'seconds'>[];
}

export interface ReproduceOptions {
  readonly seed: number;
  readonly epochs: number;
  /** Where the runs save themselves. */
  readonly checkpoints: string;
  /** Where finished runs are recorded. */
  readonly results: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs an experiment, or goes on with it, and records it when it is finished.
 * @returns the record; nothing when it was stopped before its end
 */
export async function reproduce(
  name: string,
  data: Cifar10,
  { seed, epochs, checkpoints, results, signal }: ReproduceOptions,
): Promise<RecordedRun | undefined> {
  const { model: make, options } = experiments[name];
  const model = make({ seed });
  const history: EpochRecord[] = [];
  try {
    const run = train(model, data, { ...options, seed, epochs, signal });
    for await (const record of withCheckpoints(run, { dir: join(checkpoints, `${name}-${seed}`) })) {
      if (record.type !== 'epoch') continue;
      history.push(record);
      if (!record.restored) console.log(`${name}, ${describeEpoch(record)}`);
    }
  } finally {
    model.dispose();
  }
  if (history.length < epochs) return undefined;
  const run: RecordedRun = {
    experiment: name,
    seed,
    epochs,
    options: createRun(name, options, { epochs: history }).options,
    precision: resolvePrecision('auto'),
    machine: `${cpus()[0].model}, ${cpus().length} cores`,
    versions: versions(),
    data: { hash: data.hash, official: data.official },
    history: history.map(({ epoch, train, test, seconds }) => ({ epoch, train, test, seconds })),
  };
  writeFileSafely(join(results, `${name}-${seed}.json`), [Buffer.from(`${JSON.stringify(run, null, 1)}\n`)]);
  return run;
}

/** All recorded runs, in the order of the story. */
export function readRuns(results: string): RecordedRun[] {
  const names = Object.keys(experiments);
  return readdirSync(results)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(results, file), 'utf8')) as RecordedRun)
    .sort((a, b) => names.indexOf(a.experiment) - names.indexOf(b.experiment) || a.seed - b.seed);
}

/** The table of the README. */
export function resultsTable(runs: readonly RecordedRun[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const rows = Object.entries(experiments).map(([name, { title, original }]) => {
    const own = runs.filter(({ experiment }) => experiment === name);
    if (own.length === 0) return `| ${title} | ${percent(original)} | not recorded yet | | |`;
    return own
      .map(({ history, seed, precision, machine, data }) => {
        const best = history.reduce((a, b) => (b.test.accuracy > a.test.accuracy ? b : a));
        const last = history[history.length - 1];
        const minutes = history.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
        const files = data.official ? 'official files' : 'JPEG files';
        return (
          `| ${title} | ${percent(original)} | **${percent(best.test.accuracy)}** (epoch ${best.epoch}) | ${percent(last.test.accuracy)} | ` +
          `seed ${seed}, ${history.length} epochs, ${precision}, ${minutes.toFixed(0)} min on ${machine}; ${files} |`
        );
      })
      .join('\n');
  });
  const head =
    '| experiment | the original | ours, best | ours, last epoch | one run each |\n| --- | --- | --- | --- | --- |';
  return [head, ...rows].join('\n');
}

const BEGIN = '<!-- npm run reproduce writes this table -->';
const END = '<!-- until here -->';

/** A README with the table of the recorded runs in its place. */
export function withTable(readme: string, runs: readonly RecordedRun[]): string {
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`README.md lacks the lines ${BEGIN} and ${END}.`);
  return `${before}${BEGIN}\n\n${resultsTable(runs)}\n\n${END}${after}`;
}

function describeEpoch({ epoch, epochs, train, test, seconds }: EpochRecord): string {
  const score = ({ loss, accuracy }: EpochRecord['test']) =>
    `${(100 * accuracy).toFixed(2)} % (loss ${loss.toFixed(3)})`;
  return `epoch ${epoch} of ${epochs}: training ${score(train)}, test ${score(test)}, ${seconds.toFixed(0)} s`;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      seed: { type: 'string', default: '0' },
      checkpoints: { type: 'string', default: join(root, 'data', 'checkpoints') },
    },
    allowPositionals: true,
  });
  const names = positionals.length > 0 ? positionals : Object.keys(experiments);
  const unknown = names.find((name) => !(name in experiments));
  if (unknown) throw new Error(`There is no experiment ${unknown}; there are ${Object.keys(experiments).join(', ')}.`);
  const data = await loadCifar10();
  const stop = new AbortController();
  // Not only once: a terminal, npm and our own script pass it on, each at its own time.
  process.on('SIGINT', () => {
    if (stop.signal.aborted) return;
    console.log('Stopping after this batch; the same command goes on from here.');
    stop.abort();
  });
  const results = join(root, 'data', 'results');
  const { checkpoints } = values;
  for (const name of names) {
    const run = await reproduce(name, data, {
      seed: Number(values.seed),
      epochs: EPOCHS,
      checkpoints,
      results,
      signal: stop.signal,
    });
    if (!run) return;
    const readme = join(root, 'README.md');
    writeFileSafely(readme, [Buffer.from(withTable(readFileSync(readme, 'utf8'), readRuns(results)))]);
    console.log(`\n${resultsTable(readRuns(results))}\n`);
  }
}

if (require.main === module) {
  main().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
