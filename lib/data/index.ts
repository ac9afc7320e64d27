// The entry `cifar10/data`.
export { augmentBatch, cutout, normalize, randomCrop, randomFlip } from './augment';
export type { Augmentation } from './augment';
export { batchBuffer, batchCount, batches, permutation } from './batches';
export type { Batch, BatchBuffer, BatchOptions, Shuffle } from './batches';
export { loadCifar10 } from './cifar10';
export type { Cifar10, LoadOptions } from './cifar10';
export { dataset, slice, subset, take } from './dataset';
export type { Dataset, DatasetOptions, ImageArray, ImageShape, LabeledImages, Split } from './dataset';
export { random, randomInteger, shuffle } from './random';
export type { Random } from './random';
export { split } from './split';
export type { SplitOptions } from './split';

// Its parts, for its own tests.
export { ARCHIVE_FOLDER, ensureData, OFFICIAL_ARCHIVE } from './official';
export type { Archive } from './official';
export { progressLine } from './progress';
export { readRecords, TEST_FILE, TRAIN_FILES } from './records';
