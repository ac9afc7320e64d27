// Networks with skips, dropout and GELU as compiled training steps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { compile, type Precision, softmaxCrossEntropy } from 'cifar10/engine';
import {
  batchNorm,
  conv,
  defineModel,
  dropout,
  dropout2d,
  flatten,
  gelu,
  globalAveragePool,
  linearLayer,
  maxPool,
  namedParameters,
  relu,
  residual,
  resnet9,
  setDropout,
  trainableParameters,
} from 'cifar10/models';
import { sampleImages } from './sample';

const LABELS = [3, 8, 8, 0, 6, 6, 1, 6];

type Step = (images: tf.Tensor, labels: tf.Tensor, key: tf.Tensor) => { loss: tf.Tensor };

function stepOf(model: tf.LayersModel): Step {
  const variables = trainableParameters(namedParameters(model)).map(({ variable }) => variable);
  return (images, labels, key) => {
    const { value, grads } = tf.variableGrads(
      () => softmaxCrossEntropy(model.apply(images, { training: true, key }) as tf.Tensor2D, labels as tf.Tensor1D),
      variables,
    );
    for (const variable of variables) variable.assign(tf.sub(variable, tf.mul(grads[variable.name], 0.05)));
    return { loss: value };
  };
}

/** The losses of five steps. `between` is called before each. */
async function losses(
  make: () => tf.LayersModel,
  precision?: Precision,
  between?: (model: tf.LayersModel, step: number) => void,
) {
  const model = make();
  const [images, labels] = [await sampleImages(LABELS.length), tf.tensor1d(LABELS, 'int32')];
  const step = stepOf(model);
  const program = precision && compile({ step }, { precision });
  const found = [0, 1, 2, 3, 4].map((i) => {
    between?.(model, i);
    return tf.tidy(
      () => (program ? program.step : step)(images, labels, tf.tensor1d([7, i], 'int32')).loss.dataSync()[0],
    );
  });
  program?.dispose();
  model.dispose();
  tf.dispose([images, labels]);
  return found;
}

const agree = (found: number[], expected: number[], tolerance: number) =>
  found.forEach((loss, i) =>
    assert.ok(Math.abs(loss - expected[i]) < tolerance * expected[i], `step ${i}: ${loss}, expected ${expected[i]}`),
  );

const NETWORKS: Record<string, () => tf.LayersModel> = {
  resnet9: () => resnet9({ widths: [8, 16, 16, 32] }),
  'dropout of both kinds, GELU and batch norm of rows': () =>
    defineModel('mixed', { seed: 2 }, [
      [conv(8, { stride: 2 }), batchNorm(), gelu(), dropout2d(0.3)],
      [residual([conv(8), gelu(), dropout(0.2)]), maxPool()],
      [flatten(), linearLayer(16), batchNorm(), relu(), dropout(0.5), linearLayer(10)],
    ]),
  'global average pooling': () =>
    defineModel('pooled', { seed: 2 }, [
      [conv(16), batchNorm(), relu()],
      [globalAveragePool(), linearLayer(10)],
    ]),
};

for (const [name, make] of Object.entries(NETWORKS)) {
  test(`${name}: compiled, each step's loss is that of op by op; in bfloat16 nearly`, async () => {
    const before = tf.memory().numTensors;
    const expected = await losses(make);
    assert.ok(expected[4] < expected[0], 'it learns');
    agree(await losses(make, 'float32'), expected, 1e-3);
    agree(await losses(make, 'bfloat16'), expected, 0.08);
    assert.equal(tf.memory().numTensors, before);
  });
}

test('a rate changed between two compiled steps acts on the next', async () => {
  const make = () => defineModel('rows', {}, [flatten(), linearLayer(32), relu(), dropout(0), linearLayer(10)]);
  const change = (model: tf.LayersModel, step: number) => step === 2 && setDropout(model, 0.9);
  const [plain, changed] = [await losses(make, 'float32'), await losses(make, 'float32', change)];
  assert.deepEqual(changed.slice(0, 2), plain.slice(0, 2));
  assert.notEqual(changed[2], plain[2]);
  agree(changed, await losses(make, undefined, change), 1e-3);
});
