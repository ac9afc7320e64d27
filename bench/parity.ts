// npm run parity -- GOLDEN.json: trains as a PyTorch run whose values are in the file did, and compares step by step.
// bench/README.md describes the file, and the formula that fills the parameters on both sides.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-node';
import { crossEntropy, deepCnn, linear, loadCifar10, sgd, shallowCnn, type Split, take } from 'cifar10';
import { slice } from 'cifar10/data';
import { uint8Tensor, compile } from 'cifar10/engine';
import { type NamedParameter, namedParameters, normalizeFor, trainableParameters } from 'cifar10/models';
import { makeTestStep, makeTrainStep, runTestStep, runTrainStep } from 'cifar10/training';

interface Fill {
  readonly frequency: number;
  readonly step: number;
  readonly phase: number;
}

/** What one training run gave. */
export interface Result {
  readonly train_loss: number[];
  readonly train_correct: number[];
  readonly test_loss_256: number;
  readonly test_logits_4: number[][];
  readonly parameter_l2: number[];
  readonly running_mean_l2?: number[];
  readonly running_var_l2?: number[];
}

interface Case {
  readonly model: 'linear' | 'shallow' | 'deep';
  readonly lr: number;
  readonly momentum: number;
  readonly weight_decay: number;
  readonly float64: Result;
  readonly float32: Result;
}

export interface Golden {
  readonly torch: string;
  readonly steps: number;
  readonly batch: number;
  readonly fill: Fill;
  readonly cases: Record<string, Case>;
}

/** One compared number. */
export interface Comparison {
  readonly name: string;
  readonly expected: number;
  readonly actual: number;
  /** Relative difference; of counts, the difference. */
  readonly difference: number;
  readonly allowed: number;
}

const models = {
  linear: () => linear(),
  shallow: () => shallowCnn(),
  deep: () => deepCnn({ dropout: [0, 0, 0] }),
};

/** Fills the parameters by the formula of bench/README.md, in PyTorch's order and layout. */
function fillParameters(slots: readonly NamedParameter[], { frequency, step, phase }: Fill): void {
  let bound = 1;
  slots
    .filter(({ trainable }) => trainable)
    .forEach(({ name, shape, variable, fromTorch }, p) => {
      const isBias = name.endsWith('.bias');
      const isNorm = !isBias ? shape.length === 1 : bound === 0;
      if (!isBias) bound = isNorm ? 0 : 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
      const size = shape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length: size }, (_, k) => {
        const at = frequency * k + step * p;
        if (!isNorm) return bound * Math.sin(at + phase);
        return isBias ? 0.1 * Math.cos(at) : 1 + 0.1 * Math.sin(at);
      });
      tf.tidy(() => variable.assign(fromTorch(tf.tensor(values, [...shape]))));
    });
}

/** Repeats the run of a case: `steps` batches from the start of the training images, in order. */
export function repeatRun(
  golden: Golden,
  name: string,
  data: { train: Split; test: Split },
  compiled: boolean,
): Result {
  const { model: kind, lr, momentum, weight_decay: weightDecay } = golden.cases[name];
  const model = models[kind]();
  const slots = namedParameters(model);
  fillParameters(slots, golden.fill);
  const loss = crossEntropy();
  const trainStep = makeTrainStep(model, { optimizer: sgd({ lr, momentum, weightDecay }), loss, augment: [] });
  const functions = { learn: trainStep.run, test: makeTestStep(model, loss) };
  const program = compiled ? compile(functions, { precision: 'float32' }) : undefined;
  const { learn, test } = program ?? functions;
  const scores = Array.from({ length: golden.steps }, (_, step) =>
    runTrainStep(slice(data.train, step * golden.batch, golden.batch), learn, [0, 0], trainStep.scalarsAt(step + 1, 0)),
  );
  const tested = runTestStep(take(data.test, 256), test);
  program?.dispose();
  const result = {
    train_loss: scores.map(({ loss }) => loss),
    train_correct: scores.map(({ correct }) => correct),
    test_loss_256: tested.loss,
    test_logits_4: logitsOf(model, take(data.test, 4)),
    parameter_l2: trainableParameters(slots).map(norm),
    running_mean_l2: slots.filter((slot) => slot.name.endsWith('running_mean')).map(norm),
    running_var_l2: slots.filter((slot) => slot.name.endsWith('running_var')).map(norm),
  };
  trainStep.dispose();
  model.dispose();
  return result;
}

/** Every judged number of a run beside PyTorch's in float64. Allowed: 1e-4, or ten times PyTorch's own float32 error. */
export function compareRuns(ours: Result, { float64, float32 }: Case): Comparison[] {
  const relative = (a: number, b: number) => (a === b ? 0 : Math.abs(a - b) / Math.abs(b));
  const numbers = (result: Result): [string, number][] => [
    ...result.train_loss.map((value, step) => [`train_loss[${step}]`, value] as [string, number]),
    ['test_loss_256', result.test_loss_256],
    ...(['parameter_l2', 'running_mean_l2', 'running_var_l2'] as const).flatMap((key) =>
      (result[key] ?? []).map((value, index) => [`${key}[${index}]`, value] as [string, number]),
    ),
  ];
  const [actual, single] = [new Map(numbers(ours)), new Map(numbers(float32))];
  return [
    ...numbers(float64).map(([name, expected]) => ({
      name,
      expected,
      actual: actual.get(name) ?? NaN,
      difference: relative(actual.get(name) ?? NaN, expected),
      allowed: Math.max(1e-4, 10 * relative(single.get(name) ?? NaN, expected)),
    })),
    ...float64.train_correct.map((expected, step) => ({
      name: `train_correct[${step}]`,
      expected,
      actual: ours.train_correct[step],
      difference: Math.abs(ours.train_correct[step] - expected),
      allowed: 1,
    })),
  ];
}

function norm({ variable }: NamedParameter): number {
  let sum = 0;
  for (const value of variable.dataSync()) sum += value * value;
  return Math.sqrt(sum);
}

const logitsOf = (model: tf.LayersModel, { images, size }: Split): number[][] =>
  tf.tidy(() => {
    const input = normalizeFor(model, uint8Tensor(images, [size, 32, 32, 3]));
    return (model.apply(input) as tf.Tensor2D).arraySync();
  });

async function main(file: string | undefined): Promise<number> {
  if (!file) throw new Error('Name the file of golden values: npm run parity -- GOLDEN.json');
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;
  const data = await loadCifar10();
  console.log(
    `PyTorch ${golden.torch}, ${golden.steps} steps of ${golden.batch} images; ours relative to its float64\n`,
  );
  let failures = 0;
  for (const [name, golds] of Object.entries(golden.cases)) {
    for (const compiled of [false, true]) {
      const ours = repeatRun(golden, name, data, compiled);
      const comparisons = compareRuns(ours, golds);
      const failed = comparisons.filter(({ difference, allowed }) => !(difference <= allowed));
      failures += failed.length;
      console.log(`${name}, ${compiled ? 'compiled' : 'eager'} float32: ${failed.length === 0 ? 'agrees' : 'DIFFERS'}`);
      for (const { name, expected, actual, difference, allowed } of comparisons) {
        const verdict = difference <= allowed ? '' : '  <-- too far';
        console.log(
          `  ${name.padEnd(22)} ${expected.toPrecision(9).padStart(12)} ${actual.toPrecision(9).padStart(12)}  off by ${difference.toExponential(1)} of ${allowed.toExponential(1)}${verdict}`,
        );
      }
      const logits = ours.test_logits_4.flat();
      const expected = golds.float64.test_logits_4.flat();
      const worst = Math.max(...logits.map((value, index) => Math.abs(value - expected[index])));
      console.log(`  test_logits_4: largest absolute difference ${worst.toExponential(1)} (not judged)\n`);
    }
  }
  console.log(failures === 0 ? 'All values agree.' : `${failures} values differ by more than allowed.`);
  return failures === 0 ? 0 : 1;
}

if (require.main === module) {
  main(process.argv[2]).then(
    (code) => (process.exitCode = code),
    (error: Error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}
