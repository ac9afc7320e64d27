// What a reader may write in the cells of a notebook, with public entries only: an optimizer, two augmentations, a loss, a
// schedule, a residual network and a data set. (The tests run this file as a cell, too.)
import * as tf from '@tensorflow/tfjs-node';
import {
  type Augmentation,
  batchNorm,
  conv,
  dataset,
  defineModel,
  linearLayer,
  dropout,
  foldIn,
  globalAveragePool,
  type Hyperparameter,
  type Loss,
  maxPool,
  type Optimizer,
  randomUniform,
  relu,
  residual,
} from 'cifar10';

/** Lion (Chen et al. 2023, arXiv 2302.06675): only the sign of the averaged gradient counts. */
export const lion = ({
  lr = 1e-3,
  weightDecay = 0,
}: { lr?: Hyperparameter; weightDecay?: number } = {}): Optimizer => ({
  name: 'lion',
  hyperparameters: { lr, beta1: 0.9, beta2: 0.99, weightDecay },
  slots: ['average'],
  update({ parameter, gradient, average }, { lr, beta1, beta2, weightDecay }) {
    const mix = (share: tf.Tensor) => tf.add(tf.mul(average, share), tf.mul(gradient, tf.sub(1, share)));
    const direction = tf.add(tf.sign(mix(beta1)), tf.mul(parameter, weightDecay));
    return { parameter: tf.sub(parameter, tf.mul(direction, lr)), average: mix(beta2) };
  },
});

/** Blackens a square of each image, at a random place (DeVries and Taylor 2017, arXiv 1708.04552). */
export const squareOut = (size: number): Augmentation =>
  Object.assign(
    (images: tf.Tensor4D, key: tf.Tensor1D) => {
      const [batch, height, width] = images.shape;
      const center = randomUniform([batch, 2], foldIn(key, 'center'));
      const [y, x] = tf.split(tf.floor(tf.mul(center, tf.tensor1d([height, width]))), 2, 1);
      const isNear = (length: number, at: tf.Tensor) => tf.less(tf.abs(tf.sub(tf.range(0, length), at)), size / 2);
      const rows = tf.reshape(isNear(height, y), [batch, height, 1, 1]);
      const columns = tf.reshape(isNear(width, x), [batch, 1, width, 1]);
      const kept = tf.sub(1, tf.cast(tf.logicalAnd(rows, columns), 'float32'));
      return tf.mul<tf.Tensor4D>(tf.cast(images, 'float32'), kept);
    },
    { toString: () => `squareOut(${size})` },
  );

/** Another brightness and contrast for each image. */
export const colorJitter = (amount: number): Augmentation =>
  Object.assign(
    (images: tf.Tensor4D, key: tf.Tensor1D) => {
      const [batch] = images.shape;
      const x = tf.cast(images, 'float32');
      const factor = (name: string) => {
        const uniform = randomUniform([batch, 1, 1, 1], foldIn(key, name));
        return tf.add(1, tf.mul(tf.sub(tf.mul(uniform, 2), 1), amount));
      };
      const mean = tf.mean(x, [1, 2, 3], true);
      const contrasted = tf.add(mean, tf.mul(tf.sub(x, mean), factor('contrast')));
      return tf.clipByValue(tf.mul(contrasted, factor('brightness')), 0, 255) as tf.Tensor4D;
    },
    { toString: () => `colorJitter(${amount})` },
  );

/** Focal loss (Lin et al. 2017, arXiv 1708.02002): what is right already counts less. */
export const focal = (gamma: number): Loss =>
  Object.assign(
    (logits: tf.Tensor2D, labels: tf.Tensor1D) => {
      const isLabel = tf.oneHot(labels, logits.shape[1]);
      const logP = tf.sum(tf.mul(tf.logSoftmax(logits), isLabel), 1);
      return tf.mean<tf.Scalar>(tf.mul(tf.pow(tf.sub(1, tf.exp(logP)), gamma), tf.neg(logP)));
    },
    { toString: () => `focal(${gamma})` },
  );

/** Rises for a tenth of the run, then falls as a square. */
export const polynomial = (peak: number) => (progress: number) =>
  progress < 0.1 ? (peak * progress) / 0.1 : peak * ((1 - progress) / 0.9) ** 2;

/** A small residual network for images of any shape and any number of classes. */
export const smallResnet = (inputShape: readonly [number, number, number], classes: number) =>
  defineModel('smallResnet', { inputShape, seed: 1 }, [
    ...[conv(16, { bias: false }), batchNorm(), relu(), maxPool()],
    residual([conv(16, { bias: false }), batchNorm(), relu(), conv(16, { bias: false }), batchNorm(), relu()]),
    ...[maxPool(), conv(32), relu(), dropout(0.2), globalAveragePool(), linearLayer(classes)],
  ]);

/** Gray pictures of 28 × 28 in 47 classes, as many as EMNIST has: stripes, whose angle and width are the class. */
export function stripes(count: number) {
  const classes = 47;
  const images = new Uint8Array(count * 28 * 28);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % classes);
  labels.forEach((label, i) => {
    const [angle, period] = [(label % 8) * (Math.PI / 8), 3 + Math.floor(label / 8)];
    for (let p = 0; p < 28 * 28; p++) {
      const along = (p % 28) * Math.cos(angle) + Math.floor(p / 28) * Math.sin(angle);
      images[i * 28 * 28 + p] = 127 + 120 * Math.sin((2 * Math.PI * (along + i)) / period);
    }
  });
  const half = Math.floor(count / 2);
  return dataset({
    images: images.subarray(0, half * 28 * 28),
    labels: labels.subarray(0, half),
    test: { images: images.subarray(half * 28 * 28), labels: labels.subarray(half) },
    classNames: Array.from({ length: classes }, (_, i) => `class ${i}`),
    imageShape: [28, 28, 1],
  });
}
