// A run, written down for TensorBoard while it goes on.
import type * as tf from '@tensorflow/tfjs-node';
import { imageGrid } from '../charts/imageGrid';
import { batchCount } from '../data/batches';
import { take, subset, type Split } from '../data/dataset';
import { CLASS_NAMES } from '../data/files';
import { type EventWriter, openEventWriter } from './eventWriter';
import { type Classifier, openClassifier } from '../training/evaluate';
import { topLosses } from '../interpret/predictions';
import type { TrainOptions } from '../training/options';
import type { EpochRecord, Metrics, StepRecord, TrainRecord } from '../training/records';

/** Test images among which the mistakes are looked for, after each epoch: a small part, so that it costs next to nothing. */
const LOOKED_AT = 500;
const MISTAKES = 16;

/**
 * Passes the records of a run on and writes them into `options.tensorboard`: loss, accuracy and learning rate of each step;
 * the scores of each epoch; pictures of the worst mistakes among the first 500 test images. A run that goes on from a
 * checkpoint takes the place of what was written beyond it. What can't be written is told of once, and the training goes on.
 */
export async function* logged(
  run: AsyncGenerator<TrainRecord, void, undefined>,
  model: tf.LayersModel,
  { train, test }: { readonly train: Split; readonly test: Split },
  { tensorboard: dir = '', batchSize, precision }: TrainOptions,
): AsyncGenerator<TrainRecord, void, undefined> {
  const steps = batchCount(train.size, batchSize);
  const board = openBoard(dir);
  const mistakes = openMistakes(model, take(test, LOOKED_AT), { batchSize, precision });
  try {
    for await (const record of run) {
      if (record.type === 'step') {
        const step = (record.epoch - 1) * steps + record.step;
        board.write(step, { scalars: ofStep(record) }, step);
      }
      if (record.type === 'epoch' && !record.restored) {
        const step = record.epoch * steps;
        // An epoch's record that comes first is of a run that goes on after its last step, whose numbers hold.
        board.write(step, { scalars: ofEpoch(record) }, step + 1);
        const event = board.isOpen() && (await mistakes.look());
        if (event) board.write(step, event, step + 1);
      }
      yield record;
    }
  } finally {
    mistakes.dispose();
    board.close();
  }
}

/** The model's mistakes among some images, as they are now. What can't be looked at is told of once. */
function openMistakes(
  model: tf.LayersModel,
  shown: Split,
  { batchSize, precision }: Pick<TrainOptions, 'batchSize' | 'precision'>,
) {
  let classifier: Classifier | undefined;
  let failed = false;
  return {
    /** An event; nothing where there are no mistakes. */
    async look() {
      if (failed) return undefined;
      try {
        classifier ??= openClassifier(model, precision);
        return mistakesIn(shown, await classifier.classify(shown, batchSize));
      } catch (error) {
        failed = true;
        const reason = (error as Error).message;
        console.warn(`TensorBoard gets no pictures of mistakes (${reason}). The training goes on without them.`);
        return undefined;
      }
    },
    dispose: () => classifier?.dispose(),
  };
}

/** A folder of events in which a failure ends the writing, but not the run. */
function openBoard(dir: string) {
  let writer: EventWriter | undefined;
  let failed = false;
  const fail = (error: unknown) => {
    failed = true;
    const reason = (error as Error).message;
    console.warn(`TensorBoard's file in ${dir} can't be written (${reason}). The training goes on without it.`);
  };
  return {
    /** Whether writing has not failed yet. */
    isOpen: () => !failed,
    /** @param begin when this is the first event: from which step on earlier files no longer hold */
    write(step: number, event: Omit<Parameters<EventWriter['write']>[0], 'step'>, begin: number) {
      if (failed) return;
      try {
        if (!writer) {
          writer = openEventWriter(dir);
          writer.write({ step: begin, start: true });
        }
        writer.write({ step, ...event });
      } catch (error) {
        fail(error);
      }
    },
    close: () => writer?.close(),
  };
}

const ofStep = ({ loss, accuracy, lr }: StepRecord) => ({
  'batch/loss': loss,
  'batch/accuracy': accuracy,
  'batch/learning rate': lr,
});

function ofEpoch({ train, test, validation, imagesPerSecond }: EpochRecord): Record<string, number> {
  const scores: [name: string, score: Metrics][] = [
    ['training', train],
    ['test', test],
  ];
  if (validation) scores.push(['validation', validation]);
  return {
    ...Object.fromEntries(scores.map(([name, { accuracy }]) => [`accuracy/${name}`, accuracy])),
    ...Object.fromEntries(scores.map(([name, { loss }]) => [`loss/${name}`, loss])),
    'speed/images per second': imagesPerSecond,
  };
}

/** Pictures in rows of eight, and in the same order what the model said of each. */
function mistakesIn(split: Split, probabilities: Float32Array) {
  if (probabilities.some(Number.isNaN)) return undefined; // the run itself tells of it
  const worst = topLosses(probabilities, split.labels, { count: MISTAKES });
  if (worst.length === 0) return undefined;
  const rows = worst.map(({ guess, label, probability }, place) => {
    const name = (index: number) => CLASS_NAMES[index] ?? String(index);
    return `| ${place + 1} | ${name(guess)} | ${(100 * probability).toFixed(1)} % | ${name(label)} |`;
  });
  const table = ['| picture | the model says | how sure | it is |', '| --- | --- | --- | --- |', ...rows].join('\n');
  const pictures = subset(
    split,
    worst.map(({ index }) => index),
  );
  return {
    images: { 'mistakes/pictures': imageGrid(pictures, { columns: 8, scale: 3, gap: 6 }) },
    texts: { 'mistakes/answers': table },
  };
}
