// npm run doctor: what there is, on what it runs, and what is wrong, if anything.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import './check-node.cjs';
import { device, findGpus, findPython, freeDisk, tryRun } from './machine.mjs';
import { binding, python, root, state, tensorflow, venv } from './paths.mjs';
import { explain, SetupError } from './run.mjs';
import { missingSteps } from './setup.mjs';

try {
  device();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.log(`✗ ${error.message}`);
  process.exit(1);
}
const missing = missingSteps();
const problems = missing.map((title) => `Not done: “${title}”. npm start or npm test does it.`);
try {
  for (const folder of [root, state, venv, join(root, 'node_modules')]) {
    if (existsSync(folder)) accessSync(folder, constants.W_OK);
  }
  if (!existsSync(python)) findPython();
} catch (error) {
  problems.push(explain(error.message) ?? error.message);
}
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;

const native = loadNative();
const tfjs = probeTfjs();
const lines = {
  Course: `${packageVersion('.')} in ${root}`,
  Node: `${process.versions.node}, npm ${describeNpm()}`,
  Python: describePython(),
  Kernel: `tslab ${packageVersion('node_modules/tslab')}; library built by TypeScript ${packageVersion('node_modules/typescript')}`,
  tfjs: tfjs ? `${tfjs.version} on TensorFlow ${tfjs.library}, for the ${tfjs.gpu ? 'GPU' : 'CPU'}` : 'does not run',
  Processor: describeProcessor(),
  ...describeGpu(),
  Threads: `${process.env.TF_NUM_INTRAOP_THREADS ?? native?.cores() ?? availableParallelism()}`,
  Memory: `${gigabytes(totalmem())}, ${gigabytes(freemem())} free`,
  Disk: `${gigabytes(freeDisk())} free`,
};
for (const [name, value] of Object.entries(lines)) console.log(`${name.padEnd(11)} ${value}`);

if (freeDisk() < 1e9) problems.push('The disk is almost full: the data set and checkpoints need about 1 GB.');
console.log();
if (problems.length === 0) console.log('✓ Nothing is wrong.');
for (const problem of problems) console.log(`✗ ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** What our C++ says of the machine; null where it is not compiled. */
function loadNative() {
  try {
    return createRequire(import.meta.url)(join(binding, 'native.node'));
  } catch {
    return null;
  }
}

/** Loads tfjs as a notebook would, in a process of its own, and lets it compute. */
function probeTfjs() {
  if (!existsSync(join(root, 'node_modules'))) return null;
  const copies = findCopies(join(root, 'node_modules'), 'tfjs-core');
  if (copies.length > 1) problems.push(`There are ${copies.length} copies of tfjs: ${copies.join(', ')}. Run npm ci.`);
  const script = `
    const tf = require('@tensorflow/tfjs-node');
    if (tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0] !== 11) throw new Error('TensorFlow computes wrongly');
    const { binding, isUsingGpuDevice } = tf.backend();
    console.log(JSON.stringify({ version: tf.version.tfjs, library: binding.TF_Version, gpu: isUsingGpuDevice }));`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1));
  const reason = /^\w*Error: .*/m.exec(stderr)?.[0] ?? signal ?? `exit code ${status}`;
  problems.push(`tfjs does not run: ${reason}`);
  return null;
}

/** Folders of a package in @tensorflow, wherever below node_modules they lie. */
function findCopies(folder, name) {
  const found = new Set();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    if (entry.name === name && folder.endsWith('@tensorflow')) found.add(realpathSync(path));
    const inner = entry.name.startsWith('@') ? path : join(path, 'node_modules');
    if (existsSync(inner)) for (const copy of findCopies(inner, name)) found.add(copy);
  }
  return [...found];
}

function packageVersion(folder) {
  try {
    return createRequire(import.meta.url)(join(root, folder, 'package.json')).version;
  } catch {
    return 'missing';
  }
}

function describeNpm() {
  const { ok, output } = tryRun('npm', ['--version']);
  if (ok) return output.trim();
  problems.push('npm does not run: install Node together with npm (https://nodejs.org).');
  return 'not found';
}

function describePython() {
  const script = 'import sys, jupyterlab; print(sys.version.split()[0] + ", JupyterLab " + jupyterlab.__version__)';
  const { ok, output } = tryRun(python, ['-c', script]);
  if (ok) return output.trim();
  if (!missing.includes('Installing JupyterLab'))
    problems.push('JupyterLab does not load: delete the folder .venv, then run npm start.');
  return 'JupyterLab is missing';
}

function describeProcessor() {
  return `${cpus()[0]?.model.trim() ?? 'unknown'} (${native ? native.isa() : 'instruction set unknown: not set up'})`;
}

function describeGpu() {
  const { gpus, problem } = findGpus();
  const named = gpus.join('; ') || problem;
  if (process.env.TENSORFLOW === 'cpu') return named ? { GPU: `${named} (not used: TENSORFLOW=cpu)` } : {};
  if (problem) problems.push(`${problem}. Training runs on the CPU: is the NVIDIA driver in order?`);
  if (device() === 'cpu') return named ? { GPU: named } : {};
  if (gpus.length === 0 && !problem)
    problems.push('TENSORFLOW=gpu is set, but there is no NVIDIA driver: training runs on the CPU.');
  else if (gpus.length > 0 && tfjs && !tfjs.gpu)
    problems.push('TensorFlow does not see the GPU: is the driver new enough for CUDA 12?');
  return { GPU: named || 'none', CUDA: describeCuda() };
}

/** The versions that the CUDA libraries report themselves. */
function describeCuda() {
  const script = `
import ctypes, glob
def version(pattern, call):
    value = ctypes.c_int()
    call(ctypes.CDLL(glob.glob(pattern)[0]), value)
    return value.value
runtime = version("nvidia/cuda_runtime/lib/libcudart.so.*", lambda lib, value: lib.cudaRuntimeGetVersion(ctypes.byref(value)))
print(f"{runtime // 1000}.{runtime % 1000 // 10}")`;
  const { stdout } = spawnSync(python, ['-c', script], { cwd: tensorflow('gpu'), encoding: 'utf8' });
  return stdout?.trim() || 'missing';
}
