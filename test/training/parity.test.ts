// Golden values from PyTorch 2.15 on the first images of data/sample (fixtures/parity.json, in the format of
// `npm run parity`; its "test_loss_256" is of the sample's 200 test images).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type Cifar10, loadCifar10 } from 'cifar10';
import type * as Parity from '../../bench/parity';

// eslint-disable-next-line @typescript-eslint/no-require-imports
const { compareRuns, repeatRun } = require(
  join(__dirname, '..', '..', '..', 'bench', 'dist', 'parity.js'),
) as typeof Parity;

const golden = JSON.parse(
  readFileSync(join(__dirname, '..', '..', 'fixtures', 'parity.json'), 'utf8'),
) as Parity.Golden;
let data: Cifar10;
before(async () => {
  data = await loadCifar10({ sample: true });
});

for (const name of Object.keys(golden.cases)) {
  for (const compiled of [false, true]) {
    test(`${name}, ${compiled ? 'compiled' : 'eager'}: losses, norms and statistics are PyTorch’s, step by step`, () => {
      const comparisons = compareRuns(repeatRun(golden, name, data, compiled), golden.cases[name]);
      assert.ok(comparisons.length > 10);
      for (const { name, expected, actual, difference, allowed } of comparisons) {
        assert.ok(
          difference <= allowed,
          `${name}: ${actual}, expected ${expected} (off by ${difference}, allowed ${allowed})`,
        );
      }
    });
  }
}

test('a run with another learning rate does not agree', () => {
  const wrong = { ...golden, cases: { linear_sgd: { ...golden.cases.linear_sgd, lr: 0.2 } } };
  const comparisons = compareRuns(repeatRun(wrong, 'linear_sgd', data, true), golden.cases.linear_sgd);
  assert.ok(comparisons.some(({ difference, allowed }) => difference > allowed));
});
