// Whether a batch fits into memory, before it is tried: TensorFlow would take the whole process down.
import { existsSync, readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import type * as tf from '@tensorflow/tfjs-node';
import { backend } from '../tensor/backend';
import { shapeOf } from '../tensor/layers';

/**
 * Peak of a training step per byte of layer output: the outputs, which the way back needs, and the gradients that are
 * alive at one time. Measured: 1.5 for the deep CNN, 1.6 for the shallow one (batch 256, resident memory).
 */
const PEAK_PER_OUTPUT = 1.6;
const BYTES = 4;

/** Bytes that a training step is likely to take, for the model's layer outputs and its parameters. */
export function estimateStepBytes(model: tf.LayersModel, batchSize: number): number {
  const outputs = model.layers.map(({ outputShape }) => {
    return shapeOf(outputShape)
      .slice(1)
      .reduce<number>((product, size) => product * (size ?? 1), 1);
  });
  const perImage = outputs.reduce((sum, size) => sum + size, 0);
  // Parameters, velocities, gradients, and the copies that the optimiser makes of them.
  return BYTES * (PEAK_PER_OUTPUT * batchSize * perImage + 5 * model.countParams());
}

/**
 * @throws RangeError when a step is likely to need more memory than there is, with both numbers and the batch size that fits
 */
export function checkMemory(
  owner: string,
  model: tf.LayersModel,
  batchSize: number,
  available = availableBytes(),
): void {
  const needed = estimateStepBytes(model, batchSize);
  if (needed <= available) return;
  const fixed = estimateStepBytes(model, 0);
  const fitting = Math.floor((batchSize * (available - fixed)) / (needed - fixed));
  const advice =
    fitting >= 1
      ? `Try a batchSize of ${fitting} or less.`
      : 'Not even a single image fits: take a smaller model, or end what else uses memory.';
  throw new RangeError(
    `${owner}: a step of batchSize ${batchSize} needs about ${gigabytes(needed)} of memory, and ${gigabytes(available)} is available. ` +
      advice,
  );
}

/** What this process can still get; a GPU's memory is TensorFlow's own matter. */
function availableBytes(): number {
  if (backend.isUsingGpuDevice) return Infinity;
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
