// npm test: sets up what is missing, then checks everything: format, lint, types, tests.
// npm test -- NAME runs only the test files whose name contains NAME.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run as runTests } from 'node:test';
import { spec } from 'node:test/reporters';
import { jupyterEnv, root } from './paths.mjs';
import { reportStep } from './report.mjs';
import { run, SetupError } from './run.mjs';
import { setUp } from './setup.mjs';

const bin = (name, ...path) => [process.execPath, [join(root, 'node_modules', name, ...path)]];

/** Checks that print nothing when they pass. */
const checks = [
  { title: 'Format (prettier)', command: bin('prettier', 'bin', 'prettier.cjs'), args: ['--check', '.'] },
  { title: 'Types (tsc)', command: bin('typescript', 'bin', 'tsc'), args: ['--build'] },
  { title: 'Lint (eslint)', command: bin('eslint', 'bin', 'eslint.js'), args: ['.'] },
];

const counts = { passed: 0, failed: 0, skipped: 0 };

try {
  await setUp();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\n${error.message}`);
  process.exit(1);
}
const filter = process.argv[2] ?? '';
for (const { title, command, args } of checks) {
  const [program, first] = command;
  let output = '';
  try {
    await reportStep(title, () => run(program, [...first, ...args], { onLine: (line) => (output += `${line}\n`) }));
    counts.passed++;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    counts.failed++;
    console.log(output);
  }
}
await runTestFiles(
  readdirSync(join(root, 'test', 'dist'))
    .filter((name) => name.endsWith('.test.js') && name.includes(filter))
    .map((name) => join(root, 'test', 'dist', name)),
);
const skipped = counts.skipped ? `, ${counts.skipped} skipped` : '';
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed || counts.passed === checks.length ? 1 : 0;

/** Each file runs in a process of its own, with Jupyter's environment. */
async function runTestFiles(files) {
  Object.assign(process.env, jupyterEnv);
  const stream = runTests({ files, concurrency: 2 });
  stream.on('test:pass', ({ details, skip }) => {
    if (details.type !== 'suite') counts[skip === undefined ? 'passed' : 'skipped']++;
  });
  stream.on('test:fail', ({ details }) => {
    if (details.type !== 'suite') counts.failed++;
  });
  await new Promise((done) => stream.compose(spec).on('end', done).pipe(process.stdout, { end: false }));
}
