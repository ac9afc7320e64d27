// What a run keeps in its checkpoint folder, and how it goes on from there.
import type * as tf from '@tensorflow/tfjs-node';
import { SaveError } from '../util/atomicFile';
import { bestCheckpoint, type CheckpointEntry, latestCheckpoint, listCheckpoints } from './load';
import { type CheckpointStore, openCheckpoints } from './store';
import type { Tensors } from '../util/safetensors';
import type { Split } from '../data/dataset';
import { versions } from '../engine/backend';
import {
  loadStateDict,
  type NamedParameter,
  namedParameters,
  stateDict,
  trainableParameters,
} from '../models/stateDict';
import { describeModel, describeOptions, diffFingerprints, hashSplits, type RunFingerprint } from './fingerprint';
import type { CheckpointOptions, TrainOptions } from '../training/options';
import { judgedAccuracy, type TrainerState } from '../training/position';
import type { Optimizer } from '../training/optimizer';

/** Saves a run as it goes on. */
export interface CheckpointManager {
  /** Where an earlier call ended, if this one goes on from it. */
  readonly restored: TrainerState | undefined;
  /** Whether the same call would go on from what is saved. */
  readonly isResumable: boolean;
  /** How to get good weights back, as a part of a sentence; undefined where none were saved. */
  rescue(): string | undefined;
  /** Whether it is time to save in the middle of an epoch. */
  isDue(): boolean;
  /**
   * Saves, unless this position is saved already.
   * @param sync brings the model's variables up to date first
   */
  save(position: TrainerState, sync?: () => void): void;
  /** Saves after an epoch, when it is time to or when it is the best so far. */
  saveEpoch(position: TrainerState): void;
  /** Saves the end of the run, if a position is given, and lets go of the folder. */
  close(position?: TrainerState): void;
}

interface RunInfo extends RunFingerprint {
  readonly position: TrainerState;
  readonly versions: Record<string, string>;
  /** The ordinal of the run's first checkpoint. Of another run are those before it, and stay. */
  readonly since?: number;
}

/**
 * Opens the run's folder and, where it holds a checkpoint, gives model and optimiser what is in it.
 * @returns undefined when the run keeps no checkpoints
 * @throws Error when the checkpoint is of another run, naming what differs, or of more epochs than there are to be
 * @throws SaveError when another training uses the folder, or it cannot be written
 */
export function openCheckpointManager(
  model: tf.LayersModel,
  optimizer: Optimizer,
  splits: readonly (Split | undefined)[],
  options: TrainOptions,
): CheckpointManager | undefined {
  const { checkpoint } = options;
  if (!checkpoint) return undefined;
  const { dir, everyEpochs, everySeconds = everyEpochs === undefined ? 60 : Infinity, keep } = checkpoint;
  const slots = namedParameters(model);
  const learned = trainableParameters(slots);
  const fixed = { data: hashSplits(splits), options: describeOptions(options) };
  // A model's dropout rates may be changed while it trains.
  const identity = (): RunFingerprint => ({ ...fixed, model: describeModel(model) });
  const store = openCheckpoints(dir, { keep });
  let earlier: Earlier | undefined;
  try {
    earlier = resume(store, { checkpoint, epochs: options.epochs }, slots, optimizer, identity());
  } catch (error) {
    store.close();
    throw error;
  }
  const restored = earlier?.info.position;
  const since = earlier ? (earlier.info.since ?? 1) : store.next();
  let savedAt = performance.now();
  let saved = restored;
  let best = earlier && bestOf(dir, since, earlier.ordinal);
  const rescue = () => {
    if (best !== undefined)
      return `restore(model, ${JSON.stringify(dir)}, { which: 'best' }) brings the best weights back`;
    return saved && `restore(model, ${JSON.stringify(dir)}) brings the last weights back that were saved`;
  };
  const isDue = () => performance.now() - savedAt >= 1000 * everySeconds;
  const isBetter = (accuracy: number | undefined) => accuracy !== undefined && accuracy > (best ?? -Infinity);
  const save = (position: TrainerState, meanwhile: string, sync: () => void = () => {}) => {
    if (position === saved || (position.epoch === 1 && position.step === 0)) return;
    sync();
    const accuracy = position.step === 0 ? judgedAccuracy(position) : undefined;
    const content = {
      weights: checkFinite(stateDict(slots), rescue()),
      state: checkFinite(stateDict(optimizer.slots(learned)), rescue()),
      info: { ...identity(), position, versions: versions(), since } satisfies RunInfo,
      best: isBetter(accuracy),
      metadata: weightsMetadata(position, options),
      since,
    };
    savedAt = performance.now();
    try {
      store.save(content);
      saved = position;
      if (content.best) best = accuracy;
    } catch (error) {
      // A full disk must not cost an hour of training: it goes on, and saves again when it is next due.
      if (!(error instanceof SaveError)) throw error;
      console.warn(`Not saved: ${error.message} ${meanwhile}; the checkpoints before are kept.`);
    }
  };
  const goesOn = 'The training goes on';
  return {
    restored,
    isResumable: (checkpoint.resume ?? 'exact') === 'exact',
    rescue,
    isDue,
    save: (position, sync) => save(position, goesOn, sync),
    saveEpoch(position) {
      const isEpoch = everyEpochs !== undefined && (position.epoch - 1) % everyEpochs === 0;
      if (isDue() || isEpoch || isBetter(judgedAccuracy(position))) save(position, goesOn);
    },
    close(position) {
      try {
        if (position) save(position, 'The run has ended, and only the model holds what it learned since');
      } finally {
        store.close();
      }
    },
  };
}

/**
 * Gives a model the weights of a checkpoint folder.
 * @param options.which the newest whole checkpoint, or the one after the best epoch (see judgedAccuracy). Default: 'latest'
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
        : `There is no checkpoint in ${dir}: name the folder that train saved into.`,
    );
  }
  const { position } = runInfo(checkpoint, dir);
  loadStateDict(namedParameters(model), checkpoint.weights, `The checkpoint in ${dir}`);
  return position;
}

/** The checkpoint that a run goes on from. */
interface Earlier {
  readonly info: RunInfo;
  readonly ordinal: number;
}

interface ResumeOptions extends Pick<TrainOptions, 'epochs'> {
  readonly checkpoint: CheckpointOptions;
}

function resume(
  store: CheckpointStore,
  { checkpoint: { dir, resume: how = 'exact' }, epochs }: ResumeOptions,
  slots: readonly NamedParameter[],
  optimizer: Optimizer,
  identity: RunFingerprint,
): Earlier | undefined {
  const checkpoint = how === 'ignore' ? undefined : store.latest();
  if (!checkpoint) return undefined;
  if (how === 'weights') {
    loadStateDict(slots, checkpoint.weights, `The checkpoint in ${dir}`);
    return undefined;
  }
  const info = runInfo(checkpoint, dir);
  const changes = diffFingerprints(info, identity);
  if (changes.length > 0) {
    throw new Error(
      `train can't go on from the checkpoint in ${dir} as if it had never stopped:\n  ${changes.join('\n  ')}\n` +
        `Use the same again. Or name another folder for a new run; restore(model, ${JSON.stringify(dir)}) before it gives it ` +
        'the weights of this one.',
    );
  }
  const { epoch, step } = info.position;
  const begun = step > 0 ? epoch : epoch - 1;
  if (begun > epochs) {
    throw new Error(
      `train: epochs is ${epochs}, and the run in ${dir} has come to epoch ${begun} already: give at least ${begun}, or name ` +
        'another folder.',
    );
  }
  const { tensorflow } = info.versions ?? {};
  if (tensorflow !== versions().tensorflow) {
    console.warn(
      `The checkpoint in ${dir} is of TensorFlow ${tensorflow}, and this is ${versions().tensorflow}: the run goes on, but not ` +
        'to the last bit as if it had never stopped.',
    );
  }
  loadStateDict(slots, checkpoint.weights, `The checkpoint in ${dir}`);
  loadStateDict(optimizer.slots(trainableParameters(slots)), checkpoint.state, `The checkpoint in ${dir}`);
  return { info, ordinal: checkpoint.ordinal };
}

/** The accuracy of the best of the checkpoints with the ordinals `from` to `to`: a run's first, and the one that it goes on from. */
function bestOf(dir: string, from: number, to: number): number | undefined {
  const best = listCheckpoints(dir, { onDamage: () => {} })
    .filter(({ best, ordinal }) => best && ordinal >= from && ordinal <= to) // what is newer was damaged
    .at(-1);
  return best && judgedAccuracy(runInfo(best, dir).position);
}

/** For whoever finds the weights file alone; all values are text, as safetensors wants it. */
function weightsMetadata({ epoch, step, history }: TrainerState, { seed }: TrainOptions): Record<string, string> {
  const accuracies = history.map(({ test }) => test.accuracy);
  return {
    format: 'pt',
    epoch: String(epoch),
    step: String(step),
    seed: String(seed),
    best_test_accuracy: accuracies.length > 0 ? String(Math.max(...accuracies)) : '',
  };
}

// Files

function runInfo({ info }: CheckpointEntry, dir: string): RunInfo {
  const { position, options, model, data } = info as Partial<RunInfo>;
  const isWhole =
    typeof position === 'object' &&
    Number.isSafeInteger(position.epoch) &&
    Number.isSafeInteger(position.step) &&
    Array.isArray(position.history) &&
    typeof position.tally === 'object' &&
    typeof options === 'object' &&
    typeof data === 'string' &&
    model !== undefined;
  if (!isWhole) throw new Error(`The checkpoint in ${dir} was not saved by train: name another folder.`);
  return info as unknown as RunInfo;
}

/**
 * @param rescue how to get good weights back, if there is a way
 * @throws Error when an array holds what is no number: such a state is not worth keeping
 */
function checkFinite(tensors: Tensors, rescue = 'make a new model'): Tensors {
  for (const [name, { data }] of tensors) {
    const wrong = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
    if (wrong < 0) continue;
    throw new Error(
      `${name} holds ${data[wrong]}: the training has diverged, and this state was not saved. Try a smaller learning rate; ${rescue}.`,
    );
  }
  return tensors;
}
