import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { plainEnvironment, root, startNode, temporaryFolder } from '../project';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** `limit`: seconds after which the file is ended; 60 where none is given, which nothing here takes. */
const cases: { name: string; script: string; counts: Counts; says?: RegExp; limit?: number }[] = [
  {
    name: 'tests in suites and below tests, skipped ones',
    script: `test('a', () => {}); describe('s', () => { it('b', () => {}); }); test('c', { skip: true }, () => {});
      test('parent', (t) => t.test('child', () => {}));`,
    counts: { passed: 4, failed: 0, skipped: 1 },
  },
  {
    name: 'a suite that is skipped, with the reason',
    script: `describe('s', { skip: 'no browser' }, () => { it('a', () => {}); });`,
    counts: { passed: 0, failed: 0, skipped: 1 },
    says: /– s\n +no browser/,
  },
  {
    name: 'a failure is shown, and counted once',
    script: `test('parent', async (t) => { await t.test('child', () => { throw new Error('sad'); }); });`,
    counts: { passed: 0, failed: 1, skipped: 0 },
    says: /✗ +child\n +Error: sad/,
  },
  {
    name: 'a file that throws',
    script: `throw new Error('at the top');`,
    counts: { passed: 0, failed: 1, skipped: 0 },
    says: /Error: at the top[\s\S]*ended by exit code 1/,
  },
  {
    name: 'a file that crashes',
    script: `test('a', () => { process.kill(process.pid, 'SIGSEGV'); });`,
    counts: { passed: 0, failed: 1, skipped: 0 },
    says: /ended by SIGSEGV/,
  },
  {
    name: 'a file that ends early, with exit code 0',
    script: `test('a', () => { process.exit(0); });`,
    counts: { passed: 0, failed: 1, skipped: 0 },
    says: /ended before any of its tests/,
  },
  {
    name: 'a test that waits for ever',
    script: `test('a', () => new Promise(() => { setInterval(() => {}, 1000); }));`,
    counts: { passed: 0, failed: 1, skipped: 0 },
    says: /still ran after 3 s/,
    limit: 3,
  },
  {
    name: 'a test that spins for ever',
    script: `test('a', () => { for (;;); });`,
    counts: { passed: 0, failed: 1, skipped: 0 },
    says: /still ran after 3 s/,
    limit: 3,
  },
];

for (const { name, script, counts, says, limit = 60 } of cases) {
  test(`npm test counts: ${name}`, async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'x.test.js');
    writeFileSync(file, `const { describe, it, test } = require('node:test');\n${script}`);
    const runner = join(folder, 'run.mjs');
    writeFileSync(
      runner,
      `import { runTestFiles } from ${JSON.stringify(join(root, 'scripts', 'test-files.mjs'))};
      console.log(JSON.stringify(await runTestFiles([${JSON.stringify(file)}], { limit: ${limit} })));`,
    );
    const { output } = await startNode([runner], { env: plainEnvironment() }).ended;
    assert.deepEqual(JSON.parse(output.trim().split('\n').at(-1) ?? ''), counts);
    if (says) assert.match(output, says);
  });
}
