// The entry `cifar10/runs`.
export { compareRuns, exportRuns, resultsTable } from './compare';
export type { Comparison, Row } from './compare';
export { createRun, summarizeRun } from './run';
export type { Cell, Run, RunEpoch, RunSummary } from './run';
export { loadRuns, recordedRun, recordedRuns, saveRun } from './store';
export type { RunsOptions } from './store';
export { withTensorBoard } from './tensorboard';
