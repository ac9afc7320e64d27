// npm test: sets up what is missing, then checks everything: format, types, lint, tests.
// npm test -- NAME … runs only the test files whose name contains one of these.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';
import { findTests, runTestFiles, setTestEnvironment } from './test-files.mjs';

/** Programs of npm packages that print nothing to read when all is well. */
const checks = [
  { title: 'Types (tsc)', command: ['typescript', 'bin', 'tsc'], args: ['--build'] },
  { title: 'Lint (eslint)', command: ['eslint', 'bin', 'eslint.js'], args: ['.'] },
  { title: 'Format (prettier)', command: ['prettier', 'bin', 'prettier.cjs'], args: ['--check', '.'] },
];

await setUpOrExit();
console.log(`Node ${process.versions.node}`);
const passedChecks = checks.filter(passes).length;

const wanted = process.argv.slice(2);
const files = findTests('', wanted).map((name) => join(root, 'test', 'dist', name.replace(/ts$/, 'js')));
setTestEnvironment();
const counts = await runTestFiles(files);
if (files.length === 0) console.log(`No test file has a name that contains "${wanted.join('" or "')}".`);

const passed = passedChecks + counts.passed;
const failed = checks.length - passedChecks + counts.failed;
const skipped = counts.skipped ? `, ${counts.skipped} skipped` : '';
console.log(`\n${passed} passed, ${failed} failed${skipped}`);
// A handle that a test run left open must not keep us.
process.exit(failed > 0 || files.length === 0 ? 1 : 0);

function passes({ title, command, args }) {
  const start = performance.now();
  const program = join(root, 'node_modules', ...command);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: root, encoding: 'utf8' });
  const mark = status === 0 ? '✓' : '✗';
  console.log(`${mark} ${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  if (status !== 0) console.log(`${stdout}${stderr}`);
  return status === 0;
}
