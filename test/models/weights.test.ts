import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs-node';
import { readSafetensors, writeSafetensors } from 'cifar10/util';
import {
  deepCnn,
  linear,
  loadWeights,
  namedParameters,
  resnet9,
  saveWeights,
  shallowCnn,
  stateDict,
  trainableParameters,
} from 'cifar10/models';
import { softmaxCrossEntropy } from 'cifar10/engine';
import { type Context, root, temporaryFolder } from '../project';
import { mixed } from './mixed';
import { sampleImages } from './sample';

const fixtures = join(root, 'test', 'fixtures', 'torch');

interface Step {
  readonly labels: number[];
  readonly loss: number;
  readonly gradients: Record<string, [sum: number, norm: number]>;
  readonly statistics: Record<string, number>;
}
interface Answers {
  readonly images: number;
  readonly models: Record<string, { widths: number[]; logits: number[][]; step?: Step }>;
}
const answers = JSON.parse(readFileSync(join(fixtures, 'answers.json'), 'utf8')) as Answers;

/** Of the widths that the fixtures have; whatever else it begins with. */
const models: Record<string, (widths: number[]) => tf.LayersModel> = {
  linear: ([a, b]) => linear({ widths: [a, b], seed: 5 }),
  shallowCnn: ([a, b, c]) => shallowCnn({ widths: [a, b, c], seed: 5 }),
  deepCnn: ([a, b, c, d, e, f]) => deepCnn({ widths: [a, b, c, d, e, f], seed: 5 }),
  resnet9: ([a, b, c, d]) => resnet9({ widths: [a, b, c, d], seed: 5 }),
  mixed: ([a, b]) => mixed([a, b]),
};

const modelOf = (name: string): tf.LayersModel => models[name](answers.models[name].widths);

const weightsOf = (model: tf.LayersModel) => stateDict(namedParameters(model));

/** The safetensors file that PyTorch saved. */
function fixture(t: Context, name: string): string {
  const file = join(temporaryFolder(t), `${name}.safetensors`);
  writeFileSync(file, gunzipSync(readFileSync(join(fixtures, `${name}.safetensors.gz`))));
  return file;
}

async function logits(model: tf.LayersModel): Promise<Float32Array> {
  const images = await sampleImages(answers.images);
  const result = tf.tidy(() => (model.apply(images) as tf.Tensor).dataSync<'float32'>());
  images.dispose();
  return result;
}

for (const name of Object.keys(models)) {
  test(`${name}: weights that PyTorch saved load, and give PyTorch's answers`, async (t) => {
    const model = modelOf(name);
    const before = await logits(model);
    loadWeights(model, fixture(t, name));
    const [found, expected] = [await logits(model), answers.models[name].logits.flat()];
    const scale = Math.max(...expected.map(Math.abs));
    assert.equal(found.length, expected.length);
    expected.forEach((value, i) => assert.ok(Math.abs(found[i] - value) < 1e-5 * scale, `${i}: ${found[i]}, ${value}`));
    assert.ok(
      expected.some((value, i) => Math.abs(before[i] - value) > 1e-2 * scale),
      'other weights would not do',
    );
    model.dispose();
  });

  test(`${name}: what is saved is what PyTorch had saved, but for its count of batches`, (t) => {
    const model = modelOf(name);
    const file = fixture(t, name);
    loadWeights(model, file);
    saveWeights(model, `${file}.ours`);
    const [ours, theirs] = [readSafetensors(`${file}.ours`), readSafetensors(file)];
    const names = [...theirs.tensors.keys()].filter((tensor) => !tensor.endsWith('num_batches_tracked'));
    assert.deepEqual([...ours.tensors.keys()].sort(), names.sort());
    for (const tensor of names) assert.deepEqual(ours.tensors.get(tensor), theirs.tensors.get(tensor), tensor);
    assert.equal(ours.metadata.format, 'pt');
    model.dispose();
  });
}

for (const [name, { step }] of Object.entries(answers.models)) {
  if (!step) continue;
  test(`${name}: a training step has PyTorch's loss, gradients and running statistics`, async (t) => {
    const model = modelOf(name);
    loadWeights(model, fixture(t, name));
    const images = await sampleImages(answers.images);
    const labels = tf.tensor1d(step.labels, 'int32');
    const parameters = namedParameters(model);
    const { value, grads } = tf.variableGrads(
      () => softmaxCrossEntropy(model.apply(images, { training: true }) as tf.Tensor2D, labels),
      trainableParameters(parameters).map(({ variable }) => variable),
    );
    const close = (actual: number, expected: number, scale: number, what: string) =>
      assert.ok(Math.abs(actual - expected) < 1e-4 * scale, `${what}: ${actual}, PyTorch has ${expected}`);
    close(value.dataSync()[0], step.loss, step.loss, 'loss');
    assert.deepEqual(
      trainableParameters(parameters).map((parameter) => parameter.name),
      Object.keys(step.gradients),
    );
    const largest = Math.max(...Object.values(step.gradients).map(([, norm]) => norm));
    for (const { name: parameter, variable } of trainableParameters(parameters)) {
      const [sum, norm] = step.gradients[parameter];
      const gradient = grads[variable.name];
      // Before a batch norm, a bias has a gradient of 0, but for rounding.
      const scale = Math.max(norm, 0.01 * largest);
      close(gradient.norm().dataSync()[0], norm, scale, `norm of ${parameter}'s gradient`);
      close(gradient.sum().dataSync()[0], sum, scale * Math.sqrt(gradient.size), `sum of ${parameter}'s gradient`);
    }
    for (const { name: parameter, variable } of parameters) {
      const expected = step.statistics[parameter];
      if (expected !== undefined) close(variable.norm().dataSync()[0], expected, expected, parameter);
    }
    model.dispose();
    tf.dispose([images, labels, value, grads]);
  });
}

test('saving and loading leave no tensors behind', (t) => {
  const [model, other] = [modelOf('deepCnn'), modelOf('deepCnn')];
  const file = join(temporaryFolder(t), 'w.safetensors');
  const before = tf.memory().numTensors;
  saveWeights(model, file);
  loadWeights(other, file);
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(weightsOf(other), weightsOf(model));
  model.dispose();
  other.dispose();
});

test('layers of a reader’s own model have their own names, those that tfjs named one that lasts, and nothing is lost', (t) => {
  const conv = (filters: number) =>
    tf.layers.conv2d({ filters, kernelSize: 1, inputShape: [30, 30, 4], biasInitializer: 'randomUniform' });
  const make = () =>
    tf.sequential({
      layers: [
        tf.layers.separableConv2d({ filters: 4, kernelSize: 3, inputShape: [32, 32, 3] }),
        tf.layers.batchNormalization({
          movingVarianceInitializer: 'randomUniform',
          movingMeanInitializer: 'randomUniform',
        }),
        tf.sequential({ layers: [tf.sequential({ layers: [conv(4)] }), conv(4)] }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 10 }),
      ],
    });
  const [model, other] = [make(), make()];
  const names = namedParameters(model).map(({ name }) => name);
  assert.deepEqual(names, [
    ...['depthwise_kernel', 'pointwise_kernel', 'bias'].map((name) => `separable_conv2d1.${name}`),
    ...['weight', 'bias', 'running_mean', 'running_var'].map((name) => `batch_normalization1.${name}`),
    ...['sequential1.conv2d1.weight', 'sequential1.conv2d1.bias'].map((name) => `sequential1.${name}`),
    ...['conv2d1.weight', 'conv2d1.bias'].map((name) => `sequential1.${name}`),
    'dense1.weight',
    'dense1.bias',
  ]);
  assert.equal(new Set(names).size, 13);
  const file = join(temporaryFolder(t), 'w.safetensors');
  saveWeights(model, file);
  loadWeights(other, file);
  assert.deepEqual(weightsOf(other), weightsOf(model));
  model.dispose();
  other.dispose();
});

test("another model's weights are refused, by name, and the model is as it was", (t) => {
  const model = modelOf('shallowCnn');
  const before = weightsOf(model);
  assert.throws(
    () => loadWeights(model, fixture(t, 'linear')),
    /linear\.safetensors is not of this model:\n {2}linear_relu_stack\.0\.bias is not in the model\n[^]*more\n/,
  );
  assert.throws(
    () => loadWeights(model, fixture(t, 'deepCnn')),
    /deepCnn\.safetensors is not of this model:\n {2}network\.10\.bias is not in the model\n[^]*and \d+ more\n/,
  );
  assert.deepEqual(weightsOf(model), before);
  model.dispose();
});

test('weights of another width, a missing one, one too many, and whole numbers are refused', (t) => {
  const wide = shallowCnn({ widths: [3, 4, 6] });
  const file = fixture(t, 'shallowCnn');
  assert.throws(() => loadWeights(wide, file), {
    message:
      `${file} is not of this model:\n  network.4.weight has shape [5, 4, 3, 3], the model [6, 4, 3, 3]\n  ` +
      'network.4.bias has shape [5], the model [6]\n  network.8.weight has shape [10, 1280], the model [10, 1536]\n' +
      'Make the model that was saved.',
  });
  const model = modelOf('shallowCnn');
  const { tensors } = readSafetensors(file);
  const bias = { shape: [3], data: new Float32Array(3) };
  const refuse = (changed: typeof tensors, message: RegExp) => {
    writeSafetensors(file, changed);
    assert.throws(() => loadWeights(model, file), message);
  };
  refuse(new Map([...tensors].slice(1)), /model:\n {2}network\.0\.bias is missing\nMake/);
  refuse(new Map([...tensors, ['network.0.scale', bias]]), /model:\n {2}network\.0\.scale is not in the model\nMake/);
  const whole = { shape: [3], data: new Int32Array(3) };
  refuse(
    new Map([...tensors, ['network.0.bias', whole]]),
    /model:\n {2}network\.0\.bias does not hold float32 values\nMake/,
  );
  model.dispose();
  wide.dispose();
});

test('weights from DataParallel or torch.compile load: the prefix of their names is left out', (t) => {
  const model = modelOf('shallowCnn');
  const file = fixture(t, 'shallowCnn');
  const { tensors } = readSafetensors(file);
  loadWeights(model, file);
  const expected = weightsOf(model);
  for (const prefix of ['module.', '_orig_mod.', 'module._orig_mod.']) {
    const other = modelOf('shallowCnn');
    writeSafetensors(file, new Map([...tensors].map(([name, entry]) => [prefix + name, entry])));
    loadWeights(other, file);
    assert.deepEqual(weightsOf(other), expected, prefix);
    other.dispose();
  }
  writeSafetensors(file, new Map([...tensors].slice(1).map(([name, entry]) => [`module.${name}`, entry])));
  assert.throws(() => loadWeights(model, file), /is not of this model:\n {2}network\.0\.bias is missing\n/);
  model.dispose();
});

test('a file that is cut short is refused, and the model is as it was', (t) => {
  const model = modelOf('linear');
  const before = weightsOf(model);
  const file = fixture(t, 'linear');
  writeFileSync(file, readFileSync(file).subarray(0, -1));
  assert.throws(() => loadWeights(model, file), /linear\.safetensors cannot be read as safetensors: .*data_offsets/);
  assert.deepEqual(weightsOf(model), before);
  assert.throws(() => loadWeights(model, `${file}.none`), /There is no file .*none/);
  model.dispose();
});

test('saving makes the folder, and over a file leaves nothing else in it; below a file it is refused', (t) => {
  const folder = join(temporaryFolder(t), 'new');
  const model = modelOf('linear');
  const file = join(folder, 'w.safetensors');
  for (let i = 0; i < 2; i++) saveWeights(model, file);
  assert.deepEqual(readdirSync(folder), ['w.safetensors']);
  assert.throws(() => saveWeights(model, join(file, 'w')), {
    name: 'SaveError',
    message: /is a file, where a folder was expected/,
  });
  model.dispose();
});
