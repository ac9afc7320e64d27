// One step of learning, from a batch in memory to two numbers.
import * as tf from '@tensorflow/tfjs-node';
import type { Batch } from '../data/batches';
import { random } from '../data/random';
import { readScore } from './evaluate';
import type { makeTrainStep } from './steps';

/** What may change from step to step; an augmentation that may, too, follows as crop and flip (1 or 0). */
export type Hyperparameters = [lr: number, momentum: number, weightDecay: number, ...augmentation: number[]];

/** Runs a training step on a batch and reads its numbers; frees what it made. */
export function runTrainStep(
  batch: Batch,
  learn: ReturnType<typeof makeTrainStep>,
  key: [number, number],
  knobs: Hyperparameters,
): { loss: number; correct: number } {
  const keyTensor = tf.tensor1d(key, 'int32');
  const knobTensor = tf.tensor1d(knobs);
  try {
    return readScore(batch, (images, labels) => learn(images, labels, keyTensor, knobTensor));
  } finally {
    tf.dispose([keyTensor, knobTensor]);
  }
}

/** What a step's random numbers are a function of. */
export function randomKey(seed: number, epoch: number, step: number): [number, number] {
  const next = random(seed, epoch, step);
  return [next() | 0, next() | 0];
}
