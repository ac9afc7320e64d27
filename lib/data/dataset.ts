// Labeled images in memory, of any height, width, number of channels and number of classes.
import { createHash } from 'node:crypto';
import { inspectValue } from '../util/options';

export type ImageShape = readonly [height: number, width: number, channels: number];

/** Images in memory, without labels. */
export interface ImageArray {
  /** uint8 [N, height, width, channels]: row by row, the channels of a pixel side by side. */
  readonly images: Uint8Array;
  /** N. */
  readonly size: number;
  readonly imageShape: ImageShape;
}

/** Labeled images. */
export interface Split extends ImageArray {
  /** uint8 [N]: the index of each image's class name. */
  readonly labels: Uint8Array;
  /** `classNames[label]`. */
  readonly classNames: readonly string[];
}

export interface Dataset {
  readonly train: Split;
  /** Has no images where none were given: `split(data, { test: 0.2 })` sets some aside. */
  readonly test: Split;
  readonly validation?: Split;
  readonly classNames: readonly string[];
  readonly imageShape: ImageShape;
  /** Mean of each channel over the training images, in [0, 1]. */
  readonly mean: readonly number[];
  /** Standard deviation of each channel over the training images, in [0, 1]. */
  readonly std: readonly number[];
  /** Names the data, sha256. */
  readonly hash: string;
}

export interface LabeledImages {
  /** Bytes, [N, height, width, channels] in one flat array: a Uint8Array, or integers from 0 to 255. */
  readonly images: ArrayLike<number>;
  /** One for each image: an index into `classNames`. */
  readonly labels: ArrayLike<number>;
}

export interface DatasetOptions extends LabeledImages {
  /** At most 256. */
  readonly classNames: readonly string[];
  readonly imageShape: ImageShape;
  readonly test?: LabeledImages;
}

/**
 * A data set from arrays.
 *
 *     const data = dataset({ images, labels, classNames: ['cat', 'dog'], imageShape: [28, 28, 1] });
 *
 * A Uint8Array is used as it is, without a copy.
 * @throws RangeError when the number of bytes does not fit the shape and the labels, or a value is not a byte or not a class
 */
export function dataset({ images, labels, classNames, imageShape, test }: DatasetOptions): Dataset {
  if (!isImageShape(imageShape)) {
    throw new RangeError(
      `dataset: imageShape is ${inspectValue(imageShape)}; expected [height, width, channels], such as [28, 28, 1].`,
    );
  }
  const isList = Array.isArray(classNames) && classNames.every((name) => typeof name === 'string');
  if (!isList || classNames.length < 1 || classNames.length > 256) {
    throw new RangeError(
      `dataset: classNames is ${inspectValue(classNames)}; expected 1 to 256 names, such as ['cat', 'dog'].`,
    );
  }
  const splitOf = (what: string, given: LabeledImages): Split => {
    const made = {
      images: toBytes(`dataset: ${what}images`, given?.images),
      labels: toBytes(`dataset: ${what}labels`, given?.labels),
    };
    const result = { ...made, size: made.labels.length, imageShape, classNames };
    checkSplit(`dataset: the ${what || 'training '}images`, result);
    return result;
  };
  const train = splitOf('', { images, labels });
  return toDataset({ train, test: test ? splitOf('test ', test) : slice(train, 0, 0) });
}

/** Completes a data set; what has to look at each byte is computed when it is first read. */
export function toDataset({ train, test, validation }: Pick<Dataset, 'train' | 'test' | 'validation'>): Dataset {
  let moments: ReturnType<typeof channelMoments> | undefined;
  let hash: string | undefined;
  return {
    train,
    test,
    ...(validation && { validation }),
    classNames: train.classNames,
    imageShape: train.imageShape,
    get mean() {
      return (moments ??= channelMoments(train)).mean;
    },
    get std() {
      return (moments ??= channelMoments(train)).std;
    },
    get hash() {
      return (hash ??= hashOf([train, test, ...(validation ? [validation] : [])]));
    },
  };
}

/**
 * The first images of a split, as a view of it, without a copy; all of them, where it has fewer.
 * @throws RangeError when `count` is not an integer ≥ 1
 */
export function take(split: Split, count: number): Split {
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`take: count is ${count}; expected an integer ≥ 1.`);
  }
  return slice(split, 0, count);
}

/** `count` images beginning at index `from`, or as many as there are, as a view of the split. */
export function slice(split: Split, from: number, count: number): Split {
  const to = Math.min(from + count, split.size);
  const bytes = imageBytes(split);
  return {
    ...split,
    images: split.images.subarray(from * bytes, to * bytes),
    labels: split.labels.subarray(from, to),
    size: to - from,
  };
}

/**
 * The images at these indices, copied into a split of their own.
 * @throws RangeError for an index that no image has
 */
export const subset = (split: Split, indices: ArrayLike<number>): Split =>
  copyImages(split, indices, emptySplit(split, indices.length));

/** Memory for `size` images like those of a split. */
export const emptySplit = (like: Split, size: number): Split => ({
  ...like,
  images: new Uint8Array(size * imageBytes(like)),
  labels: new Uint8Array(size),
  size,
});

/** Copies the images at these indices to the beginning of `to`; returns that beginning. */
export function copyImages(split: Split, indices: ArrayLike<number>, to: Split): Split {
  const bytes = imageBytes(split);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!(Number.isInteger(index) && index >= 0 && index < split.size)) {
      throw new RangeError(`subset: index ${index}; expected an integer from 0 to ${split.size - 1}.`);
    }
    to.images.set(split.images.subarray(index * bytes, (index + 1) * bytes), i * bytes);
    to.labels[i] = split.labels[index];
  }
  return indices.length === to.size ? to : slice(to, 0, indices.length);
}

/** Bytes of one image: height × width × channels. */
export const imageBytes = ({ imageShape: [height, width, channels] }: Pick<ImageArray, 'imageShape'>): number =>
  height * width * channels;

/**
 * @param what names the split in the error, such as “train: the test images”
 * @throws RangeError unless there are images, as many as `size` says, and, where there are labels, a class for each
 */
export function checkSplit(what: string, split: ImageArray & Partial<Split>): void {
  const { images, size, imageShape, labels, classNames } = split ?? {};
  if (!(images instanceof Uint8Array) || !isImageShape(imageShape)) {
    throw new RangeError(
      `${what} are ${inspectValue(split)}; expected images, labels, size and imageShape, as dataset and loadCifar10 give them.`,
    );
  }
  if (labels && !(labels instanceof Uint8Array)) {
    throw new RangeError(`${what}: labels are ${inspectValue(labels)}; expected a Uint8Array, one for each image.`);
  }
  const bytes = imageBytes(split);
  const counts = [images.length / bytes, ...(labels ? [labels.length] : [])];
  if (!Number.isInteger(size) || size < 1 || counts.some((count) => count !== size)) {
    throw new RangeError(
      `${what}: size is ${size}, with ${images.length.toLocaleString('en-US')} bytes of images and ${labels?.length ?? 'no'} labels; ` +
        `expected at least one image, of ${bytes} bytes (${imageShape.join(' × ')}) and a label each.` +
        (size === 0 ? ' split(data, { test: 0.2 }) sets test images aside.' : ' Take parts of a split with take or subset.'),
    );
  }
  const wrong = labels && classNames ? labels.findIndex((label) => label >= classNames.length) : -1;
  if (labels && classNames && wrong >= 0) {
    throw new RangeError(
      `${what}: label ${labels[wrong]} of image ${wrong}; expected 0 to ${classNames.length - 1}, an index into classNames.`,
    );
  }
}

const isImageShape = (value: unknown): value is ImageShape =>
  Array.isArray(value) && value.length === 3 && value.every((size) => Number.isInteger(size) && size >= 1);

function toBytes(what: string, values: ArrayLike<number>): Uint8Array {
  if (values instanceof Uint8Array) return values;
  const isList = Array.isArray(values) || (ArrayBuffer.isView(values) && 'length' in values);
  const expected = 'expected a Uint8Array, or integers from 0 to 255';
  if (!isList) throw new RangeError(`${what} is ${inspectValue(values)}; ${expected}, in one flat array.`);
  const bytes = Uint8Array.from(values);
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === values[i]) continue;
    const advice = Array.isArray(values[i])
      ? ', in one flat array: values.flat(Infinity)'
      : values[i] > 0 && values[i] < 1
        ? ': multiply numbers in [0, 1] by 255 and round them'
        : '';
    throw new RangeError(`${what}[${i}] is ${inspectValue(values[i])}; ${expected}${advice}.`);
  }
  return bytes;
}

/** Mean and standard deviation of each channel, from a histogram of its bytes: exact, and no image is converted. */
function channelMoments({ images, imageShape: [, , channels] }: Split): { mean: number[]; std: number[] } {
  const counts = new Float64Array(channels * 256);
  for (let i = 0; i < images.length; ) for (let c = 0; c < channels; c++) counts[c * 256 + images[i++]]++;
  const pixels = images.length / channels;
  const average = (c: number, f: (byte: number) => number): number => {
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) sum += counts[c * 256 + byte] * f(byte / 255);
    return sum / pixels;
  };
  const each = Array.from({ length: channels }, (_, c) => c);
  const mean = each.map((c) => average(c, (x) => x));
  return { mean, std: each.map((c) => Math.sqrt(average(c, (x) => (x - mean[c]) ** 2))) };
}

function hashOf(splits: readonly Split[]): string {
  const hash = createHash('sha256');
  for (const { images, labels, imageShape, classNames } of splits) {
    hash.update(JSON.stringify({ size: labels.length, imageShape, classNames })).update(images).update(labels);
  }
  return hash.digest('hex');
}
