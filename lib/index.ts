export type { Hyperparameter } from './util/hyperparameters';
export { barChart, classAccuracy, probabilityBars } from './charts/bars';
export type { BarOptions, BarSeries, ClassProbabilities } from './charts/bars';
export { learningCurves } from './charts/curves';
export type { BatchPoint, CurvePoint, CurvesOptions, Reference } from './charts/curves';
export { histograms } from './charts/histogram';
export type { HistogramPanel } from './charts/histogram';
export { captionedImages, imageGrid } from './charts/images';
export type { CaptionOptions, GridOptions, Images, Picture } from './charts/images';
export { lrCurve } from './charts/lrCurve';
export type { LrCurveOptions, LrPoint } from './charts/lrCurve';
export { filterGrid, heatOverlay, mapGrid } from './charts/maps';
export type { FeatureMaps, Filters, HeatMap } from './charts/maps';
export { confusionMatrix, predictionGrid } from './charts/predictions';
export { reliabilityDiagram } from './charts/reliability';
export type { Annotation } from './charts/annotations';
export { runCurves } from './charts/runCurves';
export type { RunCurve } from './charts/runCurves';
export { colors, palette } from './charts/theme';
export type { Figure } from './charts/theme';
export { readSafetensors, writeSafetensors } from './util/safetensors';
export type { SafetensorsFile, TensorData, TensorEntry, Tensors } from './util/safetensors';
export { batchCount, batches, batchBuffer, permutation } from './data/batches';
export type { Batch, BatchBuffer, BatchOptions, Shuffle } from './data/batches';
export { loadCifar10 } from './data/cifar10';
export type { Cifar10, LoadOptions } from './data/cifar10';
export { dataset, subset, take } from './data/dataset';
export type { Dataset, DatasetOptions, ImageArray, ImageShape, LabeledImages, Split } from './data/dataset';
export type { Progress } from './util/download';
export { random, randomInteger } from './data/random';
export type { Random } from './data/random';
export { split } from './data/split';
export type { SplitOptions } from './data/split';
export { activations } from './interpret/activations';
export type { ActivationOptions } from './interpret/activations';
export { filters } from './interpret/filters';
export { gradCam } from './interpret/gradCam';
export type { GradCamOptions } from './interpret/gradCam';
export { predictImage, readImage } from './interpret/image';
export type { ImagePrediction } from './interpret/image';
export { interpret, interpretProbabilities } from './interpret/interpretation';
export type { Confusion, Interpretation, Prediction } from './interpret/interpretation';
export { checkbox, dropdown, logSlider, slider } from './kernel/inputs';
export type { Applies, Control } from './kernel/inputs';
export { controls } from './notebook/controls';
export type { Change, Controls, Setting } from './notebook/controls';
export { live, show } from './kernel/display';
export type { LiveDisplay } from './kernel/display';
export { interruptible } from './kernel/interruptible';
export { playground } from './notebook/playground';
export type { Playground, PlaygroundOptions } from './notebook/playground';
export { html } from './kernel/mimeBundle';
export type { Html, Displayable } from './kernel/mimeBundle';
export type { Table } from './kernel/table';
export { watch } from './notebook/watch';
export type { WatchOptions } from './notebook/watch';
export { watchLr } from './notebook/watchLr';
export { deepCnn } from './models/deepCnn';
export type { DeepCnnOptions } from './models/deepCnn';
export { linear } from './models/linear';
export type { LinearOptions } from './models/linear';
export { shallowCnn } from './models/shallowCnn';
export type { ShallowCnnOptions } from './models/shallowCnn';
export { namedParameters } from './models/stateDict';
export type { NamedParameter } from './models/stateDict';
export { summary } from './models/summary';
export type { Summary } from './models/summary';
export { loadWeights, saveWeights } from './models/weights';
export { compareRuns, exportRuns, resultsTable } from './runs/compare';
export type { Comparison, Row } from './runs/compare';
export { createRun, summarizeRun } from './runs/run';
export type { Run, RunEpoch, RunSummary } from './runs/run';
export { loadRuns, recordedRun, recordedRuns, saveRun } from './runs/store';
export type { RunsOptions } from './runs/store';
export { DataType } from './engine/backend';
export { compile } from './engine/compile';
export type { CompileOptions, Program } from './engine/compile';
export type { TensorType } from './engine/graph';
export { randomUniform } from './engine/ops/ops';
export { foldIn } from './engine/ops/random';
export {
  batchNorm,
  conv,
  dropout,
  dropout2d,
  flatten,
  gelu,
  globalAveragePool,
  layer,
  linearLayer,
  maxPool,
  relu,
  residual,
  scale,
  sequential,
  setDropout,
} from './models/layers';
export type { Layer, Layers } from './models/layers';
export { defineModel, initialize, normalizeFor } from './models/define';
export type { ModelOptions, Normalization } from './models/define';
export { resnet9 } from './models/resnet';
export type { Resnet9Options } from './models/resnet';
export type { Precision } from './engine/precision';
export { cutout, normalize, randomCrop, randomFlip } from './data/augment';
export type { Augmentation } from './data/augment';
export { evaluate, predict } from './training/evaluate';
export type { EvaluateOptions, PredictOptions } from './training/evaluate';
export { crossEntropy } from './training/losses';
export type { Loss } from './training/losses';
export { findLr, lrSearch } from './training/lrFinder';
export type { FindLrOptions, LrRecord, LrSearch } from './training/lrFinder';
export { adam, adamW, isBiasOrNorm, sgd } from './training/optimizers';
export type { AdamOptions, Optimizer, ParameterGroup, ParameterInfo, SgdOptions } from './training/optimizers';
export type { TrainData, TrainOptions } from './training/options';
export type { EpochRecord, History, Metrics, StepRecord, TestRecord, TrainRecord } from './training/records';
export { constant, cosine, oneCycle, stepDecay } from './training/schedules';
export type { Schedule } from './training/schedules';
export { train } from './training/train';
export type { Training } from './training/train';
export {
  bestCheckpoint,
  latestCheckpoint,
  listCheckpoints,
  openCheckpoints,
  restore,
  SaveError,
  withCheckpoints,
} from './checkpoint';
export type {
  Checkpoint,
  CheckpointContent,
  CheckpointEntry,
  CheckpointOptions,
  CheckpointStore,
  Damage,
} from './checkpoint';
