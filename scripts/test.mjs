// npm test: sets up what is missing, then checks everything: types, lint, format, tests.
// npm run test:unit runs the quick ones: no lint, no format, and no *.system.test.ts, which start a kernel, JupyterLab, Chromium
// or a set-up, or kill processes. npm run soak runs only the long tests of test/soak. After `--`, parts of paths choose test
// files: npm test -- charts watch
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { jupyterEnvironment } from './jupyter.mjs';
import { root } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

const isSoak = (name) => name.startsWith('soak/');
const tiers = {
  '--unit': (name) => !isSoak(name) && !name.endsWith('.system.test.ts'),
  '--soak': isSoak,
};
const args = process.argv.slice(2);
const tier = args[0] in tiers ? args.shift() : undefined;
const belongs = tiers[tier] ?? ((name) => !isSoak(name));
/** After how many seconds a test file has failed. */
const limit = process.env.TEST_SECONDS ?? (tier === '--soak' ? 3600 : 1800);

/** Programs of npm packages that print nothing to read when all is well. */
const checks = [
  { title: 'Types (tsc)', command: ['typescript', 'bin', 'tsc'], args: ['--build'] },
  { title: 'Lint (eslint)', command: ['eslint', 'bin', 'eslint.js'], args: ['.'] },
  { title: 'Format (prettier)', command: ['prettier', 'bin', 'prettier.cjs'], args: ['--check', '.'] },
];

await setUpOrExit();
console.log(`Node ${process.versions.node}`);
const failures = checks
  .slice(0, tier ? 1 : undefined)
  .filter((check) => !passes(check))
  .map(({ title }) => title);

const files = readdirSync(join(root, 'test'), { recursive: true })
  .filter((name) => name.endsWith('.test.ts') && belongs(name))
  .filter((name) => args.length === 0 || args.some((part) => name.includes(part)))
  .map((name) => join('test', 'dist', name.replace(/ts$/, 'js')));
if (files.length === 0) failures.push(`no test file has a path that contains "${args.join('" or "')}"`);
else if (!runTests(files)) failures.push('tests');
if (failures.length > 0) console.log(`\n✗ Failed: ${failures.join(', ')}: see above.`);
process.exitCode = failures.length > 0 ? 1 : 0;

function runTests(files) {
  const concurrency = tier === '--soak' ? 1 : 2;
  const options = [`--test-concurrency=${concurrency}`, `--test-timeout=${limit * 1000}`, '--test-reporter=spec'];
  const guard = join(root, 'scripts', 'test-guard.cjs');
  // Expected values are those of float32; a GPU would multiply in TF32, with 10 bits.
  const env = { NVIDIA_TF32_OVERRIDE: '0', ...jupyterEnvironment(), TEST_SECONDS: limit };
  const { status, signal } = start(['--require', guard, '--test', ...options, ...files], { env, stdio: 'inherit' });
  if (signal) console.log(`The test runner was ended by ${signal}.`);
  return status === 0;
}

function passes({ title, command, args }) {
  const begin = performance.now();
  const { status, stdout, stderr } = start([join(root, 'node_modules', ...command), ...args], { encoding: 'utf8' });
  const mark = status === 0 ? '✓' : '✗';
  console.log(`${mark} ${title} (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
  if (status !== 0) console.log(`${stdout}${stderr}`);
  return status === 0;
}

function start(args, options) {
  return spawnSync(process.execPath, args, { cwd: root, ...options });
}
