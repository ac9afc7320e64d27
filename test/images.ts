// Splits of 32 × 32 × 3 images for tests.
import type { Split } from 'cifar10';

export const ten = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/** A split of CIFAR-10's shape and classes; labels 0 where none are given. */
export function splitOf(images: Uint8Array, labels = new Uint8Array(images.length / 3072)): Split {
  return { images, labels, size: images.length / 3072, imageShape: [32, 32, 3], classNames: ten };
}
