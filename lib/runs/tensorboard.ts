import * as tf from '@tensorflow/tfjs-node';
import type { TrainRecord } from '../training/records';

/**
 * Passes the records of a training on and writes its numbers for TensorBoard: loss, accuracy and learning rate of each step,
 * loss and accuracy of each epoch. Outermost, where a run is saved, too:
 *
 *     await watch(withTensorBoard(withCheckpoints(train(model, data, options), { dir }), '../data/tensorboard/deep'));
 *
 * Write errors are reported once; the training continues.
 * @param dir a folder for this run
 */
export async function* withTensorBoard(
  run: AsyncIterable<TrainRecord>,
  dir: string,
): AsyncGenerator<TrainRecord, void, undefined> {
  let writer: ReturnType<typeof tf.node.summaryFileWriter> | undefined;
  let failed = false;
  let step = 0;
  const write = (numbers: Record<string, number>): void => {
    if (failed) return;
    try {
      writer ??= tf.node.summaryFileWriter(dir);
      for (const [name, value] of Object.entries(numbers)) writer.scalar(name, value, step);
    } catch (error) {
      failed = true;
      const reason = (error as Error).message;
      console.warn(`TensorBoard's file in ${dir} can't be written (${reason}). The training goes on without it.`);
    }
  };
  for await (const record of run) {
    if (record.type === 'step') {
      step = (record.epoch - 1) * record.steps + record.step;
      write({ 'batch/loss': record.loss, 'batch/accuracy': record.accuracy, 'batch/learning rate': record.lr });
    } else if (record.type === 'epoch' && !record.restored) {
      for (const part of ['train', 'validation', 'test'] as const) {
        const metrics = record[part];
        if (metrics) write({ [`loss/${part}`]: metrics.loss, [`accuracy/${part}`]: metrics.accuracy });
      }
      writer?.flush();
    }
    yield record;
  }
}
