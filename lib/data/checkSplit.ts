import { inspectValue } from '../util/options';
import type { Split } from './cifar10';
import { PIXEL_BYTES } from './files';

/**
 * @param what names the split in the error, such as “train: the test images”
 * @throws RangeError unless there are images, as many as `size` says, and, where there are labels, a label for each
 */
export function checkSplit(what: string, split: Pick<Split, 'images' | 'size'> & { readonly labels?: Uint8Array }): void {
  const { images, size, labels } = split ?? {};
  if (!(images instanceof Uint8Array)) {
    throw new RangeError(`${what} are ${inspectValue(split)}; expected images, labels and size, as loadCifar10 gives them.`);
  }
  const counts = [images.length / PIXEL_BYTES, ...(labels ? [labels.length] : [])];
  if (!Number.isInteger(size) || size < 1 || counts.some((count) => count !== size)) {
    throw new RangeError(
      `${what}: size is ${size}, with ${images.length} bytes of images${labels ? ` and ${labels.length} labels` : ''}; expected ` +
        `at least one image, of ${PIXEL_BYTES} bytes and a label each: take parts of a split with takeImages or firstImages.`,
    );
  }
}
