import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type Context, copyProject, plainEnvironment, startNode, temporaryFolder } from '../project';

/** Runs npm test in a project with these test files and checks (programs of JavaScript). */
function runTests(t: Context, files: Record<string, string>, args: string[] = [], checks: Record<string, string> = {}) {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  write('scripts/setup.mjs', 'export const setUpOrExit = () => {};');
  for (const name of ['typescript/bin/tsc', 'eslint/bin/eslint.js', 'prettier/bin/prettier.cjs']) {
    write(`node_modules/${name}`, checks[name] ?? '');
  }
  for (const [name, script] of Object.entries(files)) {
    write(`test/${name}.test.ts`, '');
    write(`test/dist/${name}.test.js`, `const { describe, it, test } = require('node:test');\n${script}`);
  }
  const env = plainEnvironment({ TEST_SECONDS: '5' });
  return startNode(['scripts/test.mjs', ...args], { cwd: folder, env }).ended;
}

const pass = `test('passes', () => {});`;

test('npm test passes where all tests pass, and names what is skipped, with the reason', async (t) => {
  const skip = `test('not here', { skip: 'no browser' }, () => {});`;
  const { code, output } = await runTests(t, { a: pass, 'b/c': skip });
  assert.match(output, /✓ Types \(tsc\).*\n✓ Lint \(eslint\).*\n✓ Format \(prettier\)/);
  assert.match(output, /not here.*# no browser/);
  assert.match(output, /ℹ pass 1\nℹ fail 0\n[^]*ℹ skipped 1\n/);
  assert.equal(code, 0, output);
});

const faults: [name: string, script: string, says: RegExp][] = [
  ['a test that fails', `test('a', () => { throw new Error('sad'); });`, /Error: sad/],
  ['a file that throws', `throw new Error('at the top');`, /Error: at the top/],
  ['a file that crashes', `test('a', () => { process.kill(process.pid, 'SIGSEGV'); });`, /x\.test\.js/],
  ['a file that ends itself, with exit code 0', `test('a', () => { process.exit(0); });`, /x\.test\.js/],
  [
    'a test that waits forever',
    `test('a', () => new Promise(() => { setInterval(() => {}, 1000); }));`,
    /timed out|still running after 10 s/,
  ],
  ['a test that loops forever', `test('a', () => { for (;;); });`, /timed out|still running after 10 s/],
];

for (const [name, script, says] of faults) {
  test(`npm test fails with ${name}`, async (t) => {
    const { code, output } = await runTests(t, { x: script, y: pass });
    assert.match(output, says);
    assert.match(output, /ℹ pass 1\n[^]*\n✗ Failed: tests: see above\.\n$/);
    assert.equal(code, 1);
  });
}

test('npm test fails with a check that fails, and runs the tests all the same', async (t) => {
  const checks = { 'eslint/bin/eslint.js': `console.log('unused'); process.exit(2);` };
  const { code, output } = await runTests(t, { a: pass }, [], checks);
  assert.match(output, /✗ Lint \(eslint\).*\nunused\n/);
  assert.match(output, /ℹ pass 1\n[^]*\n✗ Failed: Lint \(eslint\): see above\.\n$/);
  assert.equal(code, 1);
});

test('the quick tier checks types only', async (t) => {
  const { output } = await runTests(t, { a: pass }, ['--unit']);
  assert.match(output, /✓ Types/);
  assert.doesNotMatch(output, /Lint|Format/);
});

test('test files are chosen by parts of their paths, and by tier', async (t) => {
  const named = (name: string) => `test('${name}', () => {});`;
  const names = ['charts/bars', 'charts/maps', 'data/batches', 'kernel/cells.system', 'soak/long'];
  const files = Object.fromEntries(names.map((name) => [name, named(name)]));
  const run = async (...args: string[]) => {
    const { output } = await runTests(t, files, args);
    return names.filter((name) => output.includes(name));
  };
  assert.deepEqual(await run(), names.slice(0, 4));
  assert.deepEqual(await run('charts/', 'system'), [names[0], names[1], names[3]]);
  assert.deepEqual(await run('--unit'), names.slice(0, 3));
  assert.deepEqual(await run('--unit', 'maps'), [names[1]]);
  assert.deepEqual(await run('--soak'), [names[4]]);
  const { code, output } = await runTests(t, files, ['nosuch', 'none']);
  assert.match(output, /✗ Failed: no test file has a path that contains "nosuch" or "none"/);
  assert.equal(code, 1);
});
