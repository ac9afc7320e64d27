// Whether a batch fits into memory, before it is tried: TensorFlow would take the whole process down.
import { existsSync, readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import type * as tf from '@tensorflow/tfjs-node';
import { isOnGpu } from '../engine/backend';
import { shapeOf } from './define';

/** What is done with a batch. */
type Work = 'training' | 'training op by op' | 'testing';

/**
 * Peak of the memory that a batch takes, in bytes per byte of layer output. Measured (resident memory, float32) for the deep
 * and the shallow CNN: training 1.5 and 1.6 with TensorFlow's ops, 0.8 and 1.0 with ours; op by op 2.1 and 2.0; testing, where
 * only neighbouring layers have their outputs at the same time, 1.6 and 0.9 of the largest two.
 */
const PEAK_PER_OUTPUT: Readonly<Record<Work, number>> = { training: 1.6, 'training op by op': 2.2, testing: 1.7 };
const BYTES = 4;

/** Bytes that work on a batch is likely to take, for the model's layer outputs and, while it learns, its parameters. */
export function estimateBytes(work: Work, model: tf.LayersModel, batchSize: number): number {
  const outputs = model.layers.map(({ outputShape }) => {
    return shapeOf(outputShape)
      .slice(1)
      .reduce<number>((product, size) => product * (size ?? 1), 1);
  });
  const pairs = outputs.map((size, index) => size + (outputs[index + 1] ?? 0));
  const perImage = work === 'testing' ? Math.max(...pairs) : outputs.reduce((sum, size) => sum + size, 0);
  // Parameters, velocities, gradients, and the copies that the optimiser makes of them.
  const copies = work === 'testing' ? 0 : 5;
  return BYTES * (PEAK_PER_OUTPUT[work] * batchSize * perImage + copies * model.countParams());
}

/**
 * @throws RangeError when a batch is likely to need more memory than there is, with both numbers and the batch size that fits
 */
export function checkMemory(
  owner: string,
  work: Work,
  model: tf.LayersModel,
  batchSize: number,
  available = availableBytes(),
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

/** What this process can still get; a GPU's memory is TensorFlow's own matter. */
function availableBytes(): number {
  if (isOnGpu()) return Infinity;
  return Math.min(freemem(), process.availableMemory() + cachedFiles());
}

/** Bytes of files that a container's system keeps in memory: Node counts them as taken, but they would be let go of. */
function cachedFiles(): number {
  for (const file of ['/sys/fs/cgroup/memory.stat', '/sys/fs/cgroup/memory/memory.stat']) {
    if (existsSync(file)) return Number(/^(?:total_)?inactive_file (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
  }
  return 0;
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
