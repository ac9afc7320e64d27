// The course's selection. Each folder is an entry of its own, which has the rest: cifar10/charts, cifar10/models, …
export { loadCifar10 } from './data/cifar10';
export type { Cifar10, LoadOptions } from './data/cifar10';
export { dataset, subset, take } from './data/dataset';
export type { Dataset, DatasetOptions, ImageArray, ImageShape, Split } from './data/dataset';
export { split } from './data/split';
export { batches } from './data/batches';
export type { Batch } from './data/batches';
export { cutout, randomCrop, randomFlip } from './data/augment';
export type { Augmentation } from './data/augment';
export {
  batchNorm,
  conv,
  dropout,
  dropout2d,
  flatten,
  gelu,
  globalAveragePool,
  linearLayer,
  maxPool,
  relu,
  residual,
  scale,
} from './models/layers';
export type { Layer, Layers } from './models/layers';
export { defineModel } from './models/define';
export type { ModelOptions } from './models/define';
export { linear } from './models/linear';
export { shallowCnn } from './models/shallowCnn';
export { deepCnn } from './models/deepCnn';
export { resnet9 } from './models/resnet';
export { summary } from './models/summary';
export { loadWeights, saveWeights } from './models/weights';
export { train } from './training/train';
export type { Training } from './training/train';
export { adam, adamW, isBiasOrNorm, sgd } from './training/optimizers';
export type { Optimizer, ParameterGroup, ParameterInfo } from './training/optimizers';
export { crossEntropy } from './training/losses';
export type { Loss } from './training/losses';
export { cosine, oneCycle, stepDecay } from './training/schedules';
export { evaluate, predict } from './training/evaluate';
export { findLr } from './training/lrFinder';
export type { FindLrOptions, LrRecord, LrSearch } from './training/lrFinder';
export { withCheckpoints } from './checkpoint/resume';
export type { CheckpointOptions } from './checkpoint/resume';
export { restore } from './checkpoint/restore';
export { interpret } from './interpret/interpretation';
export type { Interpretation, Prediction } from './interpret/interpretation';
export { activations } from './interpret/activations';
export { filters } from './interpret/filters';
export { gradCam } from './interpret/gradCam';
export { predictImage } from './interpret/image';
export { createRun } from './runs/run';
export type { Run } from './runs/run';
export { loadRuns, recordedRuns, saveRun } from './runs/store';
export { compareRuns, resultsTable } from './runs/compare';
export { show } from './kernel/display';
export { checkbox, dropdown, logSlider, slider } from './kernel/inputs';
export { controls } from './notebook/controls';
export { playground } from './notebook/playground';
export { watch } from './notebook/watch';
export { watchLr } from './notebook/watchLr';
export { randomUniform } from './engine/ops/ops';
export { foldIn } from './engine/ops/random';
export type { TrainData, TrainOptions } from './training/options';
export type { EpochRecord, History, Metrics, StepRecord, TestRecord, TrainRecord } from './training/records';
export type { Precision } from './engine/precision';
export type { Hyperparameter } from './util/hyperparameters';
