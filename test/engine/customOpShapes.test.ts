import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { CUSTOM_OPS, executeOps } from 'cifar10/engine';
import { skip } from './customOps';

// Each op first with shapes that fit, then with some that do not.
const images = [2, 4, 6, 16];
const cases: { op: string; fit: number[][]; wrong: number[][][]; says: RegExp; outputs?: number }[] = [
  {
    op: CUSTOM_OPS.winograd,
    fit: [images, [3, 3, 16, 32]],
    wrong: [
      [images, [3, 3, 32, 16]],
      [images, [5, 5, 16, 16]],
      [images, [3, 3, 16, 8]],
      [images, [3, 3, 16, 0]],
      [images, [16]],
      [
        [2, 4, 16],
        [3, 3, 16, 16],
      ],
    ],
    says: /Winograd: expected/,
  },
  {
    op: CUSTOM_OPS.winogradBiasRelu,
    fit: [images, [3, 3, 16, 32], [32]],
    wrong: [
      [images, [3, 3, 16, 32], [16]],
      [images, [3, 3, 16, 32], [1, 32]],
      [images, [3, 3, 32, 32], [32]],
    ],
    says: /Winograd: expected/,
  },
  {
    op: CUSTOM_OPS.winogradBackpropInput,
    fit: [[3, 3, 32, 16], images],
    wrong: [
      [[3, 3, 16, 32], images],
      [[3, 3, 8, 16], images],
      [[3, 3, 16], images],
    ],
    says: /Winograd: expected/,
  },
  {
    op: CUSTOM_OPS.winogradBackpropFilter,
    fit: [images, [2, 4, 6, 32]],
    wrong: [
      [images, [1, 4, 6, 32]],
      [images, [2, 6, 4, 32]],
      [images, [2, 4, 6, 8]],
      [images, [2, 4, 6, 0]],
      [images, []],
      [
        [0, 4, 6, 16],
        [0, 4, 6, 16],
      ],
    ],
    says: /Winograd: expected/,
  },
  {
    op: CUSTOM_OPS.matMul,
    fit: [
      [5, 7],
      [7, 64],
    ],
    wrong: [
      [
        [5, 7],
        [8, 64],
      ],
      [
        [5, 7],
        [7, 65],
      ],
      [[5, 7], [64]],
      [
        [0, 7],
        [7, 64],
      ],
      [
        [5, 7],
        [7, 0],
      ],
      [
        [5, 0],
        [0, 64],
      ],
    ],
    says: /MatMulF32: expected/,
  },
  {
    op: CUSTOM_OPS.matMulSgd,
    fit: [[5, 7], [5, 32], [7, 32], [7, 32], [], [], [], []],
    wrong: [
      [[5, 7], [4, 32], [7, 32], [7, 32], [], [], [], []],
      [[5, 7], [5, 8], [7, 8], [7, 8], [], [], [], []],
      [[5, 7], [5, 32], [7, 16], [7, 32], [], [], [], []],
      [[5, 7], [5, 32], [7, 32], [32, 7], [], [], [], []],
      [[5, 7], [5, 32], [7, 32], [7, 32], [], [3], [], []],
      [[0, 7], [0, 32], [7, 32], [7, 32], [], [], [], []],
      [[5], [5, 32], [7, 32], [7, 32], [], [], [], []],
      [[5, 7], [5, 0], [7, 0], [7, 0], [], [], [], []],
      [[5, 7], [5, 32], [7, 32], [7, 32], [], [], [], [2]],
    ],
    says: /FusedMatMulSgd: expected/,
    outputs: 2,
  },
  {
    op: CUSTOM_OPS.sgd,
    fit: [[7, 3], [7, 3], [7, 3], [], [], [], []],
    wrong: [
      [[7, 3], [3, 7], [7, 3], [], [], [], []],
      [[7, 3], [7, 3], [21], [], [], [], []],
      [[7, 3], [7, 3], [7, 3], [], [], [0], []],
      [[7, 3], [7, 3], [7, 3], [], [], [], [0]],
    ],
    says: /ApplySgd: expected/,
    outputs: 2,
  },
  {
    op: CUSTOM_OPS.batchNorm,
    fit: [images, [16], [16], [16], [16], [], []],
    wrong: [
      [images, [16], [16], [16], [8], [], []],
      [images, [16], [16, 1], [16], [16], [], []],
      [images, [16], [16], [16], [16], [0], []],
      [images, [16], [16], [16], [16], [], [0]],
      [[0, 4, 6, 16], [16], [16], [16], [16], [], []],
      [[], [16], [16], [16], [16], [], []],
    ],
    says: /BatchNorm: expected/,
    outputs: 5,
  },
  {
    op: CUSTOM_OPS.batchNormGrad,
    fit: [images, images, [16], [16], [16]],
    wrong: [
      [[2, 6, 4, 16], images, [16], [16], [16]],
      [images, images, [16], [16], [8]],
      [[16], [16], [16], [16], [16]],
    ],
    says: /BatchNorm(Grad)?: expected/,
    outputs: 3,
  },
  {
    op: CUSTOM_OPS.batchNormRelu,
    fit: [images, [16], [16], [16], [16], [], []],
    wrong: [[images, [16], [16], [16], [16], [0], []]],
    says: /BatchNorm: expected/,
    outputs: 5,
  },
  {
    op: CUSTOM_OPS.batchNormReluGrad,
    fit: [images, images, [16], [16], [16], [16]],
    wrong: [
      [images, [2, 4, 6, 8], [16], [16], [16], [16]],
      [images, images, [16], [16], [16], [8]],
    ],
    says: /BatchNorm(Grad)?: expected/,
    outputs: 3,
  },
  {
    op: CUSTOM_OPS.biasReluBatchNormGrad,
    fit: [images, images, [16], [16], [16]],
    wrong: [[images, [2, 4, 6, 8], [16], [16], [16]]],
    says: /BatchNorm(Grad)?: expected/,
    outputs: 4,
  },
  {
    op: CUSTOM_OPS.biasReluGrad,
    fit: [images, images],
    wrong: [
      [images, [2, 4, 6, 8]],
      [[], []],
      [
        [0, 16],
        [0, 16],
      ],
    ],
    says: /BiasReluGrad: expected/,
    outputs: 2,
  },
  {
    op: CUSTOM_OPS.biasRelu,
    fit: [images, [16]],
    wrong: [
      [images, [32]],
      [images, [4]],
      [images, [1, 16]],
      [[], [1]],
    ],
    says: /BiasRelu: expected/,
  },
  {
    op: CUSTOM_OPS.maxPool,
    fit: [images],
    wrong: [[[2, 5, 6, 16]], [[2, 4, 7, 16]], [[4, 6, 16]]],
    says: /MaxPool2x2: expected/,
  },
  {
    op: CUSTOM_OPS.maxPoolGrad,
    fit: [images, [2, 2, 3, 16], [2, 2, 3, 16]],
    wrong: [
      [images, [2, 2, 3, 16], [2, 3, 2, 16]],
      [images, [2, 4, 6, 16], [2, 4, 6, 16]],
      [
        [1, 4, 6, 16],
        [2, 2, 3, 16],
        [2, 2, 3, 16],
      ],
      [images, [16], [16]],
    ],
    says: /MaxPool2x2Grad: expected/,
  },
];
for (const { op, fit, wrong, says, outputs = 1 } of cases) {
  test(`${op} takes what fits, and refuses all else before it reads it`, { skip }, () => {
    const call = (shapes: number[][]) =>
      tf.tidy(() =>
        executeOps(
          op,
          [],
          shapes.map((shape) => tf.ones(shape)),
          outputs,
        )[0].dataSync(),
      );
    assert.ok(call(fit).every((value) => Number.isFinite(value)));
    for (const shapes of wrong) assert.throws(() => call(shapes), says, JSON.stringify(shapes));
  });
}
