// Whether a batch fits into memory, before it is tried: TensorFlow would take the whole process down.
import * as tf from '@tensorflow/tfjs-node';
import { isOnGpu } from '../engine/backend';
import { availableBytes } from '../util/memory';
import { inputsOf, shapeOf } from './define';

/** What is done with a batch. */
type Work = 'training' | 'training op by op' | 'testing';

/**
 * Peak of the memory that a batch takes, in bytes per byte of layer output. Measured (resident memory, float32) for the deep
 * and the shallow CNN: training 1.5 and 1.6 with TensorFlow's ops, 0.8 and 1.0 with ours; op by op 2.1 and 2.0; testing, where
 * an output is kept only until the last layer that it feeds is done, 1.6 and 0.9 of the largest moment.
 */
const PEAK_PER_OUTPUT: Readonly<Record<Work, number>> = { training: 1.6, 'training op by op': 2.2, testing: 1.7 };
const BYTES = 4;

/** Bytes that work on a batch is likely to take, for the model's layer outputs and, while it learns, its parameters. */
export function estimateBytes(work: Work, model: tf.LayersModel, batchSize: number): number {
  const { all, atOnce } = outputSizes(model);
  const perImage = work === 'testing' ? atOnce : all;
  // Parameters, velocities, gradients, and the copies that the optimizer makes of them.
  const copies = work === 'testing' ? 0 : 5;
  return BYTES * (PEAK_PER_OUTPUT[work] * batchSize * perImage + copies * model.countParams());
}

/** Values per image: of all layer outputs, and of the most that are kept at the same time, skips included. */
function outputSizes(model: tf.LayersModel): { all: number; atOnce: number } {
  const { layers } = model;
  const own = layers.map(({ outputShape }) =>
    shapeOf(outputShape)
      .slice(1)
      .reduce<number>((product, size) => product * (size ?? 1), 1),
  );
  const inside = layers.map((layer, i) =>
    layer instanceof tf.LayersModel ? outputSizes(layer) : { all: own[i], atOnce: own[i] },
  );
  const lastUse = new Map(layers.flatMap((layer, i) => inputsOf(model, layer).map((input) => [input, i] as const)));
  const atOnce = layers.map((_, now) => {
    const kept = own.filter((_, i) => i < now && (lastUse.get(layers[i]) ?? 0) >= now);
    return kept.reduce((sum, size) => sum + size, inside[now].atOnce);
  });
  return { all: inside.reduce((sum, { all }) => sum + all, 0), atOnce: Math.max(...atOnce) };
}

/**
 * @throws RangeError when a batch is likely to need more memory than there is, with both numbers and the batch size that fits
 */
export function checkMemory(
  owner: string,
  work: Work,
  model: tf.LayersModel,
  batchSize: number,
  available = isOnGpu() ? Infinity : availableBytes(), // a GPU's memory is TensorFlow's own matter
): void {
  const needed = estimateBytes(work, model, batchSize);
  if (needed <= available) return;
  const fixed = estimateBytes(work, model, 0);
  const fitting = Math.floor((batchSize * (available - fixed)) / (needed - fixed));
  const advice =
    fitting >= 1
      ? `Try a batchSize of ${fitting} or less.`
      : 'Not even a single image fits: take a smaller model, or end what else uses memory.';
  throw new RangeError(
    `${owner}: a batchSize of ${batchSize} needs about ${gigabytes(needed)} of memory, and ${gigabytes(available)} is available. ` +
      advice,
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
