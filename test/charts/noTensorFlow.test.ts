import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

test('importing the charts loads no TensorFlow', () => {
  const script = `require('cifar10/charts'); console.log(Object.keys(require.cache).filter((file) => /tensorflow|tfjs/.test(file)).join());`;
  assert.equal(execFileSync(process.execPath, ['-e', script], { cwd: __dirname, encoding: 'utf8' }).trim(), '');
});
