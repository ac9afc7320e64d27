// What a checkpoint says of its run, and its weights for whoever wants them.
import type * as tf from '@tensorflow/tfjs-node';
import { loadStateDict, namedParameters } from '../models/stateDict';
import { comparedAccuracy, type TrainerState } from '../training/records';
import type { RunFingerprint } from './fingerprint';
import { bestCheckpoint, type CheckpointEntry, latestCheckpoint, listCheckpoints } from './load';

/** What `withCheckpoints` keeps of a run beside its arrays. */
export interface RunInfo extends RunFingerprint {
  readonly state: TrainerState;
  readonly versions: Record<string, string>;
  /** The ordinal of the run's first checkpoint. Those before it are other runs', and stay. */
  readonly since?: number;
}

/**
 * Gives a model the weights of a checkpoint folder.
 * @param options.which the newest whole checkpoint, or the one after the best epoch (see `bestBy`). Default: 'latest'
 * @returns how far that run was
 * @throws RangeError when `which` is neither
 * @throws Error when there is no checkpoint, or none that fits the model
 */
export function restore(
  model: tf.LayersModel,
  dir: string,
  { which = 'latest' }: { which?: 'latest' | 'best' } = {},
): TrainerState {
  if (!['latest', 'best'].includes(which)) {
    throw new RangeError(`restore: which is ${JSON.stringify(which)}; expected 'latest' or 'best'.`);
  }
  const checkpoint = which === 'best' ? bestCheckpoint(dir) : latestCheckpoint(dir);
  if (!checkpoint) {
    throw new Error(
      listCheckpoints(dir).length > 0
        ? `No checkpoint in ${dir} was saved as the best: take 'latest'.`
        : `There is no checkpoint in ${dir}: name the folder that withCheckpoints saved into.`,
    );
  }
  const { state } = readRunInfo(checkpoint, dir);
  loadStateDict(namedParameters(model), checkpoint.weights, `The checkpoint in ${dir}`);
  return state;
}

/**
 * What a checkpoint says of its run.
 * @throws Error when it was not saved by withCheckpoints
 */
export function readRunInfo({ info }: CheckpointEntry, dir: string): RunInfo {
  const { state, options, model, data } = info as Partial<RunInfo>;
  if ('position' in info) {
    throw new Error(`The checkpoint in ${dir} is of an earlier version of this library: name another folder.`);
  }
  const isWhole =
    typeof state === 'object' &&
    Number.isSafeInteger(state.epoch) &&
    Number.isSafeInteger(state.step) &&
    Array.isArray(state.history) &&
    typeof state.metrics === 'object' &&
    typeof options === 'object' &&
    typeof data === 'string' &&
    model !== undefined;
  if (!isWhole) throw new Error(`The checkpoint in ${dir} was not saved by withCheckpoints: name another folder.`);
  return info as unknown as RunInfo;
}

/** What the best is chosen by: the newest epoch's accuracy on the validation images or, where there are none, the test images. */
export function lastAccuracy({ history }: TrainerState): number | undefined {
  const last = history.at(-1);
  return last && comparedAccuracy(last);
}
