// A training that saves itself in a folder, and goes on from there.
import { versions } from '../engine/backend';
import { loadStateDict, type NamedParameter, namedParameters, stateDict } from '../models/stateDict';
import { DivergedError, type OpenRun, type TrainerState, type TrainRecord } from '../training/records';
import type { Training } from '../training/train';
import { SaveError } from '../util/atomicFile';
import { untilInterrupted } from '../util/interrupt';
import { oneOf, readOptions, type Rules, wholeNumber } from '../util/options';
import type { Tensors } from '../util/safetensors';
import { describeModel, describeOptions, diffFingerprints, hashSplits, type RunFingerprint } from './fingerprint';
import { listCheckpoints } from './load';
import { lastAccuracy, readRunInfo, type RunInfo } from './restore';
import { holdSigterm } from './sigterm';
import { type CheckpointStore, openCheckpoints } from './store';

export interface CheckpointOptions {
  /** A folder of this run's own; it is made where there is none. */
  readonly dir: string;
  /** Saves after every so many seconds. Default: 60, unless `everyEpochs` is given. */
  readonly everySeconds: number | undefined;
  /** Saves after every so many epochs. */
  readonly everyEpochs: number | undefined;
  /** How many of the newest are kept, beside the best. Default: 2. */
  readonly keep: number;
  /**
   * What to do with a checkpoint in the folder. 'exact' (the default) goes on as if the run had never stopped, and refuses
   * where that is impossible; 'weights' starts a new run from its weights; 'ignore' starts a new run from the model as it is.
   * The checkpoints of runs before a new one stay.
   */
  readonly resume: 'exact' | 'weights' | 'ignore';
}

const rules: Rules<CheckpointOptions> = {
  dir: {
    default: '',
    expected: "a folder, such as '../data/checkpoints/deep'",
    accepts: (value) => typeof value === 'string',
  },
  everySeconds: {
    default: undefined,
    expected: 'a number > 0',
    accepts: (value) => Number.isFinite(value) && (value as number) > 0,
  },
  everyEpochs: wholeNumber<number | undefined>(undefined, 1),
  keep: wholeNumber(2, 1),
  resume: oneOf<CheckpointOptions['resume']>('exact', ['exact', 'weights', 'ignore']),
};

/**
 * Saves a training in a folder while it runs: from time to time, after the best epochs, and when it ends, by whatever means.
 * The same call, made again, goes on where it was, bit for bit; the epochs before are then yielded first, as `restored`.
 *
 *     await watch(withCheckpoints(train(model, data, options), { dir: '../data/checkpoints/deep' }));
 *
 * While it runs, SIGTERM ends it after the current batch, and the process when it has saved.
 * @returns the training's records; steps say that they are `resumable`
 * @throws RangeError at once for an unknown or impossible option
 * @throws Error, with the first record, when the checkpoint in the folder is another run's, naming what differs, or has more
 *   epochs than there are to be
 * @throws SaveError when another training saves into the folder, or it can't be written
 */
export function withCheckpoints(
  run: Training,
  options: Partial<CheckpointOptions> & Pick<CheckpointOptions, 'dir'>,
): AsyncGenerator<TrainRecord, void, undefined> {
  const settings = readOptions('withCheckpoints', rules, options);
  if (settings.dir === '') throw new RangeError(`withCheckpoints: dir is ''; expected ${rules.dir.expected}.`);
  return untilInterrupted(saved(run, settings));
}

async function* saved(run: Training, options: CheckpointOptions): AsyncGenerator<TrainRecord, void, undefined> {
  const sigterm = holdSigterm();
  let manager: CheckpointManager | undefined;
  run.attach({
    signal: sigterm.signal,
    onOpen(open) {
      manager = openManager(run, open, options);
      return manager.restored;
    },
    onClose: () => manager?.saveEnd(),
  });
  try {
    for await (const record of run) {
      const isNew = !(record.type === 'epoch' && record.restored);
      if (record.type === 'epoch' && isNew) manager?.saveEpoch();
      yield record.type === 'step' && options.resume === 'exact' ? { ...record, resumable: true } : record;
      if (record.type === 'step') manager?.saveIfDue();
    }
  } catch (error) {
    const remedy = error instanceof DivergedError ? manager?.remedy() : undefined;
    throw remedy === undefined ? error : new DivergedError((error as DivergedError).finding, remedy);
  } finally {
    manager?.close();
    sigterm.done();
  }
}

interface CheckpointManager {
  /** Where an earlier call ended, if this one goes on from it. */
  readonly restored: TrainerState | undefined;
  /** How to get good weights back, as a part of a sentence; undefined where none were saved. */
  remedy(): string | undefined;
  /** Saves in the middle of an epoch, when it is time to. */
  saveIfDue(): void;
  /** Saves after an epoch, when it is time to or when it is the best so far. */
  saveEpoch(): void;
  /** Saves the end of the run. */
  saveEnd(): void;
  /** Releases the folder. */
  close(): void;
}

/** Opens the run's folder and, where it holds a checkpoint, gives model and optimizer what is in it. */
function openManager(
  { model, data, options: trained }: Training,
  open: OpenRun,
  options: CheckpointOptions,
): CheckpointManager {
  const { dir, everyEpochs, everySeconds = everyEpochs === undefined ? 60 : Infinity, keep } = options;
  const weights = namedParameters(model);
  const fixed = { data: hashSplits([data.train, data.test, data.validation]), options: describeOptions(trained) };
  // A model's dropout rates may be changed while it trains.
  const fingerprint = (): RunFingerprint => ({ ...fixed, model: describeModel(model) });
  const store = openCheckpoints(dir, { keep });
  let earlier: Earlier | undefined;
  try {
    earlier = resume(store, options, trained.epochs, weights, open.optimizerState, fingerprint());
  } catch (error) {
    store.close();
    throw error;
  }
  const restored = earlier?.info.state;
  const since = earlier ? (earlier.info.since ?? 1) : store.next();
  let savedAt = performance.now();
  let savedState = restored;
  let best = earlier && bestOf(dir, since, earlier.ordinal);

  const remedy = () => {
    const call = `restore(model, ${JSON.stringify(dir)}`;
    if (best !== undefined) return `${call}, { which: 'best' }) brings the best weights back`;
    return savedState && `${call}) brings the last weights back that were saved`;
  };
  const isDue = () => performance.now() - savedAt >= 1000 * everySeconds;
  const isBetter = (accuracy: number | undefined) => accuracy !== undefined && accuracy > (best ?? -Infinity);
  const save = (meanwhile: string) => {
    const state = open.state();
    if (state === savedState || (state.epoch === 1 && state.step === 0)) return;
    open.sync();
    const accuracy = state.step === 0 ? lastAccuracy(state) : undefined;
    const content = {
      weights: checkFinite(stateDict(weights), remedy()),
      state: checkFinite(stateDict(open.optimizerState), remedy()),
      info: { ...fingerprint(), state, versions: versions(), since } satisfies RunInfo,
      best: isBetter(accuracy),
      metadata: weightsMetadata(state, trained.seed),
      since,
    };
    savedAt = performance.now();
    try {
      store.save(content);
      savedState = state;
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
    remedy,
    saveIfDue() {
      if (isDue()) save(goesOn);
    },
    saveEpoch() {
      const state = open.state();
      const isEpoch = everyEpochs !== undefined && (state.epoch - 1) % everyEpochs === 0;
      if (isDue() || isEpoch || isBetter(lastAccuracy(state))) save(goesOn);
    },
    saveEnd: () => save('The run has ended, and only the model holds what it learned since'),
    close: () => store.close(),
  };
}

/** The checkpoint that a run goes on from. */
interface Earlier {
  readonly info: RunInfo;
  readonly ordinal: number;
}

function resume(
  store: CheckpointStore,
  { dir, resume: how }: CheckpointOptions,
  epochs: number,
  weights: readonly NamedParameter[],
  optimizerState: readonly NamedParameter[],
  fingerprint: RunFingerprint,
): Earlier | undefined {
  const checkpoint = how === 'ignore' ? undefined : store.latest();
  if (!checkpoint) return undefined;
  if (how === 'weights') {
    loadStateDict(weights, checkpoint.weights, `The checkpoint in ${dir}`);
    return undefined;
  }
  const info = readRunInfo(checkpoint, dir);
  const changes = diffFingerprints(info, fingerprint);
  if (changes.length > 0) {
    throw new Error(
      `This training can't go on from the checkpoint in ${dir} as if it had never stopped:\n  ${changes.join('\n  ')}\n` +
        "Use the same settings again, or name another folder. In this one, resume: 'weights' begins a new run from these weights, " +
        "and resume: 'ignore' one from the model as it is.",
    );
  }
  const { epoch, step } = info.state;
  const begun = step > 0 ? epoch : epoch - 1;
  if (begun > epochs) {
    throw new Error(
      `withCheckpoints: epochs is ${epochs}, and the run in ${dir} has come to epoch ${begun} already: give at least ${begun}, or name ` +
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
  loadStateDict(weights, checkpoint.weights, `The checkpoint in ${dir}`);
  loadStateDict(optimizerState, checkpoint.state, `The checkpoint in ${dir}`);
  return { info, ordinal: checkpoint.ordinal };
}

/** The accuracy of the best of the checkpoints with the ordinals `from` to `to`: a run's first, and the one that it goes on from. */
function bestOf(dir: string, from: number, to: number): number | undefined {
  const best = listCheckpoints(dir, { onDamage: () => {} })
    .filter(({ best, ordinal }) => best && ordinal >= from && ordinal <= to) // what is newer was damaged
    .at(-1);
  return best && lastAccuracy(readRunInfo(best, dir).state);
}

/** For whoever finds the weights file alone; all values are text, as safetensors wants it. */
function weightsMetadata({ epoch, step, history }: TrainerState, seed: number): Record<string, string> {
  const accuracies = history.map(({ test }) => test.accuracy);
  return {
    format: 'pt',
    epoch: String(epoch),
    step: String(step),
    seed: String(seed),
    best_test_accuracy: accuracies.length > 0 ? String(Math.max(...accuracies)) : '',
  };
}

/**
 * @param remedy how to get good weights back, if there is a way
 * @throws Error when an array holds NaN or infinity: such a state is not worth keeping
 */
function checkFinite(tensors: Tensors, remedy = 'make a new model'): Tensors {
  for (const [name, { data }] of tensors) {
    const wrong = (data as Float32Array).findIndex((value) => !Number.isFinite(value));
    if (wrong < 0) continue;
    const finding = `${name} holds ${data[wrong]}: the training has diverged, and this state was not saved`;
    throw new DivergedError(`${finding}. Try a smaller learning rate`, remedy);
  }
  return tensors;
}
