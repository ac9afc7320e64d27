import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type CellResult, runCells, textOf } from './kernel';

describe('what a cell prints', () => {
  let many: CellResult, ordered: CellResult, long: CellResult, failing: CellResult;
  before(() => {
    [many, ordered, long, failing] = runCells([
      { code: 'for (let i = 0; i < 30000; i++) console.log(i);' },
      {
        code: `import { show } from 'cifar10';
console.log('a'); console.error('b'); console.log('c'); show('d\\n'); console.log('e');`,
      },
      {
        code: `console.log('begin');
for (const end = Date.now() + 1000; Date.now() < end;) process.stdout.write('');
console.log('middle');
for (const end = Date.now() + 1000; Date.now() < end;);
console.log('end');`,
      },
      { code: `console.log('before'); throw new Error('sad');` },
    ]);
  });

  test('arrives complete, in few messages, and the cell ends', () => {
    assert.equal(many.status, 'ok');
    assert.equal(textOf(many), Array.from({ length: 30_000 }, (_, i) => `${i}\n`).join(''));
    assert.ok(many.outputs.length < 300, `${many.outputs.length} messages`);
  });

  test('keeps its order across streams and displays', () => {
    assert.equal(textOf(ordered), 'a\nb\nc\nd\ne\n');
    assert.deepEqual(
      ordered.outputs.map(({ type, name = type }) => name),
      ['stdout', 'stderr', 'stdout', 'display_data', 'stdout'],
    );
  });

  test('arrives during a loop that blocks the event loop', () => {
    const texts = long.outputs.map(({ text }) => text);
    assert.equal(texts.join(''), 'begin\nmiddle\nend\n');
    assert.ok(texts.length > 1, 'all arrived at the end');
  });

  test('arrives before the error that ends the cell', () => {
    assert.equal(failing.status, 'error');
    assert.match(textOf(failing), /^before\n.*sad/s);
  });
});
