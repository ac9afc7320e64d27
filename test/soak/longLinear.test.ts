import { test } from 'node:test';
import { linear } from 'cifar10';
import { longRun } from './longRun';

test('10_000 steps of the linear net: tensors stay as many, memory grows by less than 2 % after the first 200', (t) =>
  longRun(t, linear, 10_000));
