// One training step and one test step, as functions of tensors: what `compile` turns into a TensorFlow graph each.
import * as tf from '@tensorflow/tfjs-node';
import { augmentBatch, type Augmentation } from '../data/augment';
import type { Batch } from '../data/batches';
import type { ImageArray } from '../data/dataset';
import { random } from '../data/random';
import { DataType } from '../engine/backend';
import { uint8Tensor } from '../engine/ops/ops';
import type { TensorType } from '../engine/graph';
import { normalizeFor } from '../models/define';
import { type NamedParameter, namedParameters, trainableParameters } from '../models/stateDict';
import { type Hyperparameter, valueAt } from '../util/hyperparameters';
import type { Loss } from './losses';
import type { Optimizer, ParameterGroup, Scalars } from './optimizers';

/** What a training step is made of. */
export interface StepParts {
  readonly optimizer: Optimizer | readonly ParameterGroup[];
  readonly loss: Loss;
  readonly augment: readonly Augmentation[];
}

/** A batch's mean loss and its number of right answers, both scalars. */
export interface BatchResult extends Record<string, tf.Tensor> {
  loss: tf.Tensor;
  correct: tf.Tensor;
}

export interface TrainStep {
  /**
   * Predicts, compares, goes back through the model, moves the parameters.
   * @param images uint8 [N, H, W, C]
   * @param labels int32 [N]
   * @param key int32 [2]: crops, flips and dropout masks are a function of it
   * @param scalars float32: see `scalarsAt`
   */
  readonly run: (images: tf.Tensor, labels: tf.Tensor, key: tf.Tensor, scalars: tf.Tensor) => BatchResult;
  /** All hyperparameters at a point of the run, after the number of the step (from 1). */
  scalarsAt(this: void, step: number, progress: number): number[];
  /** The learning rate among such scalars: of the last group, where there are several. */
  lrOf(this: void, scalars: readonly number[]): number;
  /** What the optimizer remembers, for a checkpoint. */
  readonly optimizerState: readonly NamedParameter[];
  dispose(this: void): void;
}

/**
 * Makes the training step of a model. The optimizer's memory is allocated here, and freed by `dispose`.
 * @throws RangeError when a parameter belongs to no group
 */
export function makeTrainStep(model: tf.LayersModel, { optimizer, loss, augment }: StepParts): TrainStep {
  const groups: readonly ParameterGroup[] = isGroups(optimizer) ? optimizer : [{ use: optimizer }];
  const parameters = trainableParameters(namedParameters(model)).map((named) => {
    const index = groups.findIndex(({ where }) => !where || where(named));
    if (index < 0) {
      throw new RangeError(`No group of the optimizer takes ${named.name}: end the list with a group without where.`);
    }
    const { update, slots = [] } = groups[index].use;
    const zeros = () => tf.tidy(() => tf.variable(tf.zerosLike(named.variable), false));
    return { named, index, update, slots: slots.map((name) => ({ name, variable: zeros() })) };
  });
  const fed = feed(
    [...groups.map(({ use }) => use), ...augment, loss].map(({ hyperparameters = {} }) => hyperparameters),
  );
  return {
    run(images, labels, key, scalars) {
      const of = fed.unpack(scalars);
      const augmented = augmentBatch(images as tf.Tensor4D, key as tf.Tensor1D, augment, of.slice(groups.length, -1));
      const x = normalizeFor(model, augmented);
      let logits!: tf.Tensor2D;
      const { value, grads } = tf.variableGrads(() => {
        logits = tf.keep(model.apply(x, { training: true, key }) as tf.Tensor2D);
        return loss(logits, labels as tf.Tensor1D, of[of.length - 1]);
      });
      for (const { named, index, update, slots } of parameters) {
        tf.tidy(() => {
          const remembered = Object.fromEntries(slots.map(({ name, variable }) => [name, variable]));
          const gradient = grads[named.variable.name];
          const next = update({ ...remembered, parameter: named.variable, gradient }, of[index]);
          checkUpdate(groups[index].use.name, named, ['parameter', ...slots.map(({ name }) => name)], next);
          for (const { name, variable } of slots) variable.assign(next[name]);
          named.variable.assign(next.parameter);
        });
      }
      const correct = countCorrect(logits, labels);
      logits.dispose();
      return { loss: value, correct };
    },
    scalarsAt: fed.at,
    lrOf: (scalars) => scalars[fed.placeOf(groups.length - 1, 'lr')],
    optimizerState: parameters.flatMap(({ named, slots }) =>
      slots.map(({ name, variable }) => ({ ...named, name: `${named.name}.${name}`, variable })),
    ),
    dispose: () => tf.dispose(parameters.flatMap(({ slots }) => slots.map(({ variable }) => variable))),
  };
}

/** @throws Error unless an optimizer gave a tensor of the parameter's shape for each name */
function checkUpdate(
  owner: string,
  { name, variable }: NamedParameter,
  expected: readonly string[],
  next: Readonly<Record<string, tf.Tensor | undefined>>,
): void {
  const wrong = expected.find((each) => next?.[each]?.shape?.join() !== variable.shape.join());
  if (wrong === undefined) return;
  const shape = next?.[wrong]?.shape;
  throw new Error(
    `${owner}: update returned ${shape ? `the shape [${shape.join(', ')}] as ${wrong}` : `no ${wrong}`} for ${name}; expected ` +
      `tensors of the shape [${variable.shape.join(', ')}]: { ${expected.join(', ')} }.`,
  );
}

export const isGroups = (optimizer: StepParts['optimizer']): optimizer is readonly ParameterGroup[] =>
  Array.isArray(optimizer);

/** The hyperparameters of all parts as one tensor: [step, first part's …, second part's …]. */
function feed(parts: readonly Readonly<Record<string, Hyperparameter>>[]) {
  const values = parts.flatMap((part) => Object.values(part));
  return {
    at: (step: number, progress: number): number[] => [step, ...values.map((value) => valueAt(value, progress))],
    placeOf: (part: number, name: string): number =>
      1 + parts.slice(0, part).flatMap(Object.keys).length + Object.keys(parts[part]).indexOf(name),
    unpack(scalars: tf.Tensor): Scalars[] {
      const [step, ...rest] = tf.unstack(scalars) as tf.Scalar[];
      return parts.map((part) => {
        const named = Object.keys(part).map((name) => [name, rest.shift()]);
        return { ...Object.fromEntries(named), step } as Scalars;
      });
    },
  };
}

/**
 * Makes the evaluation of a batch: dropout off, batch norm on its running statistics.
 * @returns a function of images (uint8 [N, H, W, C]) and labels (int32 [N])
 */
export function makeTestStep(model: tf.LayersModel, loss: Loss) {
  const { hyperparameters = {} } = loss;
  return (images: tf.Tensor, labels: tf.Tensor): BatchResult => {
    const logits = model.apply(normalizeFor(model, images)) as tf.Tensor2D;
    const scalars = Object.entries({ ...hyperparameters, step: 0 }).map(([name, value]) => [
      name,
      tf.scalar(valueAt(value, 0)),
    ]);
    return {
      loss: loss(logits, labels as tf.Tensor1D, Object.fromEntries(scalars) as Scalars),
      correct: countCorrect(logits, labels),
    };
  };
}

const countCorrect = (logits: tf.Tensor2D, labels: tf.Tensor): tf.Tensor =>
  tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'int32'));

/** Types of what a test step takes, for a batch of so many images. */
export const testInputs = (size: number, imageShape: readonly number[]): TensorType[] => [
  { dtype: DataType.uint8, shape: [size, ...imageShape] },
  { dtype: DataType.int32, shape: [size] },
];

/** Types of what a training step takes. */
export const trainInputs = (size: number, imageShape: readonly number[], scalars: number): TensorType[] => [
  ...testInputs(size, imageShape),
  { dtype: DataType.int32, shape: [2] },
  { dtype: DataType.float32, shape: [scalars] },
];

/** What a step's random numbers are a function of. */
export function keyAt(seed: number, epoch: number, step: number): [number, number] {
  const next = random(seed, epoch, step);
  return [next() | 0, next() | 0];
}

/** Runs a training step on a batch and reads its numbers; frees what it made. */
export function runTrainStep(
  batch: Batch,
  run: TrainStep['run'],
  key: readonly [number, number],
  scalars: readonly number[],
): { loss: number; correct: number } {
  return runTestStep(batch, (images, labels) =>
    run(images, labels, tf.tensor1d([...key], 'int32'), tf.tensor1d([...scalars])),
  );
}

/** Runs a step on a batch and reads its numbers; frees what it made. */
export function runTestStep(
  batch: Batch,
  run: (images: tf.Tensor, labels: tf.Tensor) => BatchResult,
): { loss: number; correct: number } {
  return tf.tidy(() => {
    const { loss, correct } = run(imageTensor(batch), tf.tensor1d(Int32Array.from(batch.labels), 'int32'));
    return { loss: loss.dataSync()[0], correct: correct.dataSync()[0] };
  });
}

/** [N, H, W, C], uint8. */
export const imageTensor = ({ images, size, imageShape }: ImageArray): tf.Tensor =>
  uint8Tensor(images, [size, ...imageShape]);
