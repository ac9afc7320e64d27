import * as tf from '@tensorflow/tfjs-node';
import { loadCifar10, normalize } from 'cifar10/data';
import { uint8Tensor } from 'cifar10/engine';

/** The first test images of the sample, normalized; the caller disposes them. */
export async function sampleImages(count: number): Promise<tf.Tensor4D> {
  const { test } = await loadCifar10({ sample: true });
  return tf.tidy(
    () => normalize(uint8Tensor(test.images.subarray(0, count * 3072), [count, 32, 32, 3])) as tf.Tensor4D,
  );
}
