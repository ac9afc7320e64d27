import { test } from 'node:test';
import { deepCnn } from 'cifar10';
import { longRun } from './longRun';

test('2000 steps of the deep net: tensors stay as many, memory grows by less than 2 % after the first 200', (t) =>
  longRun(t, deepCnn, 2000));
