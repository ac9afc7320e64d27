// Images, and what a model could say of them.
import { deepCnn, type Split } from 'cifar10';

export const names = ['cat', 'dog', 'ship'];
/** Six images: two cats, three dogs, a ship; one cat called a dog, one dog called a cat, and one a ship. */
export const probabilities = Float32Array.of(
  ...[0.9, 0.05, 0.05],
  ...[0.2, 0.7, 0.1],
  ...[0.1, 0.8, 0.1],
  ...[0.5, 0.4, 0.1],
  ...[0.01, 0.01, 0.98],
  ...[0.3, 0.3, 0.4],
);
export const split: Split = {
  images: new Uint8Array(6 * 3072).map((_, i) => (i * 31) % 251),
  labels: Uint8Array.of(0, 0, 1, 1, 1, 2),
  size: 6,
  imageShape: [32, 32, 3],
  classNames: names,
};

const ten = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/** A split of `size` noisy images, labels 0, 1, 2 … */
export function noise(size: number, imageShape: Split['imageShape'] = [32, 32, 3], classes = 10): Split {
  const bytes = size * imageShape.reduce((a, b) => a * b);
  const images = new Uint8Array(bytes).map((_, i) => (Math.imul(i, 2654435761) >>> 24) ^ (i % 97));
  const classNames = classes === 10 ? ten : Array.from({ length: classes }, (_, i) => `class ${i}`);
  return { images, labels: new Uint8Array(size).map((_, i) => i % classes), size, imageShape, classNames };
}

export const small = () => deepCnn({ widths: [4, 4, 4, 4, 4, 4], seed: 3 });
