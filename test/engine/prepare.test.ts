import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** What a script writes, run in a process of its own. */
const run = (script: string): string => execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });

const RELU = `tf.getKernel('FusedBatchNorm', 'tensorflow').kernelFunc`;

test('importing the library changes nothing in tfjs; its first use does, once', () => {
  const result = run(`
    const tf = require('@tensorflow/tfjs-node');
    const state = () => [${RELU}, tf.getGradient('Relu').gradFunc, tf.Variable.prototype.assign];
    const [before, draw] = [state(), Math.random];
    const { uint8Tensor } = require('cifar10/engine');
    require('cifar10');
    const imported = state();
    uint8Tensor(new Uint8Array(1), [1]);
    const used = state();
    uint8Tensor(new Uint8Array(1), [1]);
    console.log(before.map((value, i) => [imported[i] === value, used[i] === value, state()[i] === used[i]].join()).join(' '));`);
  assert.equal(result, 'true,false,true true,false,true true,false,true\n');
});

test("a model's answers stay the same when the engine is used for the first time", () => {
  const result = run(`
    const tf = require('@tensorflow/tfjs-node');
    const { prepareEngine } = require('cifar10/engine');
    const { conv2d, batchNormalization, globalAveragePooling2d, dense } = tf.layers;
    const kernelInitializer = (seed) => tf.initializers.randomNormal({ seed });
    const model = tf.sequential({ layers: [
      conv2d({ inputShape: [8, 8, 3], filters: 16, kernelSize: 3, activation: 'relu', kernelInitializer: kernelInitializer(1) }),
      batchNormalization(), globalAveragePooling2d({}), dense({ units: 10, kernelInitializer: kernelInitializer(2) }),
    ] });
    const x = tf.randomNormal([4, 8, 8, 3], 0, 1, 'float32', 3);
    const step = () => {
      const { value, grads } = tf.variableGrads(() => model.apply(x, { training: false }).square().mean());
      return [model.apply(x), value, ...Object.values(grads)];
    };
    const before = step();
    prepareEngine();
    const differences = step().map((value, i) => tf.max(tf.abs(tf.sub(value, before[i]))).dataSync()[0]);
    console.log(Math.max(...differences));`);
  assert.ok(Number(result) < 1e-5, `they are off by ${result}`);
});
