export { evaluate, predict } from './evaluate';
export type { EvaluateOptions, PredictOptions } from './evaluate';
export { crossEntropy } from './losses';
export type { Loss } from './losses';
export { findLr, lrSearch, smoothLosses } from './lrFinder';
export type { FindLrOptions, LrRecord, LrSearch } from './lrFinder';
export { adam, adamW, isBiasOrNorm, sgd } from './optimizers';
export type {
  AdamOptions,
  Optimizer,
  ParameterGroup,
  ParameterInfo,
  ParameterTensors,
  Scalars,
  SgdOptions,
} from './optimizers';
export { checkImages, checkInput, classCount, trainRules } from './options';
export type { TrainData, TrainOptions } from './options';
export { comparedAccuracy, DivergedError, initialState } from './records';
export type { EpochRecord, History, Metrics, StepRecord, TestRecord, TrainerState, TrainRecord } from './records';
export { constant, cosine, oneCycle, stepDecay } from './schedules';
export type { Schedule } from './schedules';
export { keyAt, makeTestStep, makeTrainStep, runTestStep, runTrainStep, testInputs, trainInputs } from './step';
export type { BatchResult, StepParts, TrainStep } from './step';
export { train } from './train';
export type { Training } from './train';
