import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cosine, oneCycle, stepDecay } from 'cifar10';
import { constant, type Schedule } from 'cifar10/training';

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
  {
    name: 'oneCycle that only rises',
    schedule: oneCycle(0.4, { warmUp: 1, start: 0 }),
    values: [
      [0, 0],
      [0.5, 0.2],
      [1, 0.4],
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

for (const { make, says } of [
  { make: () => constant(-1), says: 'constant: value is -1; expected a number from 0 on.' },
  { make: () => cosine(NaN), says: 'cosine: start is NaN; expected a number from 0 on.' },
  { make: () => cosine(0.1, { end: Infinity }), says: 'cosine: end is Infinity; expected a number from 0 on.' },
  {
    make: () => stepDecay(0.1, { at: [0.5, 60] }),
    says: 'stepDecay: at is 60; expected a share of the run, from 0 to 1.',
  },
  {
    make: () => stepDecay(0.1, { at: [0.5], factor: -2 }),
    says: 'stepDecay: factor is -2; expected a number from 0 on.',
  },
  {
    make: () => oneCycle(0.4, { warmUp: 5 }),
    says: 'oneCycle: warmUp is 5; expected a share of the run, from 0 to 1.',
  },
  { make: () => oneCycle('0.4' as unknown as number), says: 'oneCycle: peak is "0.4"; expected a number from 0 on.' },
]) {
  test(`at once: ${says}`, () => assert.throws(make, { name: 'RangeError', message: says }));
}
