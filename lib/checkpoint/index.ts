export { SaveError } from '../util/atomicFile';
export { bestCheckpoint, latestCheckpoint, listCheckpoints } from './load';
export type { Checkpoint, CheckpointEntry, Damage } from './load';
export { fileName } from './manifest';
export { restore } from './restore';
export { withCheckpoints } from './resume';
export type { CheckpointOptions } from './resume';
export { openCheckpoints } from './store';
export type { CheckpointContent, CheckpointStore } from './store';
