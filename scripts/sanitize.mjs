// npm run sanitize [-- PART …]: tests of the custom ops with a binding under the address and undefined-behavior sanitizers
// (GCC's or Clang's). It is compiled into .setup/sanitized; the course's own stays as it is. Parts of file names choose tests.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compileBinding } from './binding.mjs';
import { device, findCompiler } from './machine.mjs';
import { root, state, tensorflow } from './paths.mjs';
import { compile, runOrExit, SetupError } from './run.mjs';
import { setUpOrExit } from './setup.mjs';

/** Test files of ops, by the start of their names. */
const OPS = [
  'activation',
  'batchNorm',
  'customOp',
  'linearUpdate',
  'maxPool',
  'biasReluBatchNorm',
  'normalizeBytes',
  'ops',
];
const PRODUCTS = ['product', 'winograd'];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : [...OPS, ...PRODUCTS];
const flags = [
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=undefined',
  '-fno-omit-frame-pointer',
  '-g',
  '-O1',
];
const folder = join(state, 'sanitized', 'napi-v8');

await setUpOrExit();
await runOrExit(async () => {
  const compiler = findCompiler();
  if (!compiler)
    throw new SetupError('npm run sanitize needs a C++ compiler: install g++ or clang++, then run it again.');
  await compile(join(root, 'test'));
  console.log('Compiling the binding with sanitizers …');
  await compileBinding(folder, tensorflow(device()), compiler, flags);
  process.exitCode = runTests(compiler);
});

function runTests(compiler) {
  const tests = join(root, 'test', 'dist', 'engine');
  const files = readdirSync(tests)
    .filter((name) => name.endsWith('.test.js') && wanted.some((part) => name.startsWith(part)))
    .map((name) => join(tests, name));
  // Node itself is not compiled with sanitizers: their libraries must come first, and so must what they take from libstdc++.
  const libraries = ['libasan.so', 'libubsan.so', 'libstdc++.so'].map((name) => find(compiler, name));
  const env = {
    ...process.env,
    LD_PRELOAD: libraries.join(':'),
    // Node frees little at its end, and tfjs's binding frees by delete what it got from new[].
    ASAN_OPTIONS: 'detect_leaks=0:alloc_dealloc_mismatch=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
    SANITIZED_BINDING: folder,
  };
  const hook = join(root, 'scripts', 'sanitize-hook.cjs');
  const args = ['--require', hook, '--test', '--test-concurrency=1', '--test-reporter=spec', ...files];
  return spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}

function find(compiler, name) {
  return execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}
