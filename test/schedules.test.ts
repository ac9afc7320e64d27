import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constant, cosine, oneCycle, type Schedule, stepDecay } from 'cifar10';

const cases: { name: string; schedule: Schedule; values: [progress: number, value: number][] }[] = [
  {
    name: 'constant',
    schedule: constant(0.1),
    values: [
      [0, 0.1],
      [0.5, 0.1],
      [1, 0.1],
    ],
  },
  {
    name: 'stepDecay',
    schedule: stepDecay(0.1, { at: [0.5, 0.75] }),
    values: [
      [0, 0.1],
      [0.49, 0.1],
      [0.5, 0.01],
      [0.8, 0.001],
    ],
  },
  {
    name: 'cosine',
    schedule: cosine(0.2),
    values: [
      [0, 0.2],
      [0.5, 0.1],
      [1, 0],
    ],
  },
  {
    name: 'cosine to an end',
    schedule: cosine(0.2, { end: 0.1 }),
    values: [
      [0, 0.2],
      [0.5, 0.15],
      [1, 0.1],
    ],
  },
  {
    name: 'oneCycle',
    schedule: oneCycle(0.4, { warmUp: 0.2, start: 0 }),
    values: [
      [0, 0],
      [0.1, 0.2],
      [0.2, 0.4],
      [0.6, 0.2],
      [1, 0],
    ],
  },
];
for (const { name, schedule, values } of cases) {
  test(`${name} takes its values`, () => {
    for (const [progress, value] of values) {
      assert.ok(
        Math.abs(schedule(progress) - value) < 1e-12,
        `at ${progress}: ${schedule(progress)}, expected ${value}`,
      );
    }
  });
}
