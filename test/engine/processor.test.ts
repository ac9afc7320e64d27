import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processorHas } from 'cifar10/engine';

test('every x64 processor has SSE2; none has what does not exist', () => {
  assert.equal(processorHas('sse2'), true);
  assert.equal(processorHas('sse2', 'avx9'), false);
  assert.equal(processorHas('sse2_'), false);
  assert.equal(processorHas('se2'), false, 'whole names only');
});
