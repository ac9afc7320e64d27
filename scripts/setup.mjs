// Set-up, as a list of steps: each says what it depends on, and how it is done. Uses nothing but Node itself.
import './check-node.cjs';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { compileBinding, shim } from './binding.mjs';
import { chartExtension, extension, installJupyterFiles, jupyterFiles } from './jupyter.mjs';
import { withLock } from './lock.mjs';
import { device, findCompiler, findPython, needDisk } from './machine.mjs';
import { installNpmPackages, pip, pipEnvironment } from './packages.mjs';
import { binding, bindingPackage, log, python, root, scratch, state, tensorflow, venv } from './paths.mjs';
import { reportStep } from './report.mjs';
import { compile, explain, run, runOrExit, SetupError } from './run.mjs';
import { fingerprint, isStamped, stamped } from './stamp.mjs';

const requirements = (name) => join(root, 'scripts', 'requirements', `${name}.txt`);

// A step: its title, the file that holds its stamp, the version that the stamp names, about how many bytes it needs on the
// disk, how it is done, and some of what it makes: without that, it is not done, whatever the stamp or an exit code says.

const packages = {
  title: 'Installing the npm packages',
  stamp: () => join(root, 'node_modules', '.set-up'),
  version: () => fingerprint(text('package-lock.json')),
  bytes: () => 0.6e9,
  make: installNpmPackages,
  makes: () =>
    ['package.json', 'lib/package.json']
      .map((file) => JSON.parse(text(file)))
      .flatMap(({ dependencies, devDependencies }) => Object.keys({ ...dependencies, ...devDependencies }))
      .map((name) => join(root, 'node_modules', name, 'package.json')),
};

/** JupyterLab, in the project's own virtual environment. Its scripts hold the folder's path: a moved project makes it anew. */
const jupyter = {
  title: 'Installing JupyterLab',
  stamp: () => join(venv, '.set-up'),
  version: () => fingerprint(text(requirements('jupyter')), root, existsSync(python) && realpathSync(python)),
  bytes: () => 0.4e9,
  async make() {
    rmSync(venv, { recursive: true, force: true });
    await run(findPython(), ['-m', 'venv', venv]);
    await pip('install', '--requirement', requirements('jupyter'));
  },
  makes: () => ['jupyter-lab', 'jupyter-execute'].map((name) => join(venv, 'bin', name)),
};

/** TensorFlow's C library and headers, out of its Python wheel; for a GPU, NVIDIA's libraries beside it. */
const library = {
  title: 'Fetching TensorFlow',
  stamp: () => join(tensorflow(device()), '.set-up'),
  version: () => fingerprint(text(requirements(`tensorflow-${device()}`)), text('scripts/wheels.py')),
  bytes: () => (device() === 'gpu' ? 10e9 : 1.5e9),
  async make(bar) {
    const folder = tensorflow(device());
    const partial = partialOf(folder);
    for (const path of [folder, partial]) rmSync(path, { recursive: true, force: true });
    const onLine = (line) => {
      const [, done, total] = /^Progress (\d+) of (\d+)/.exec(line) ?? [];
      if (Number(total) > 1e7) bar(Number(done), Number(total));
    };
    const args = [join(root, 'scripts', 'wheels.py'), requirements(`tensorflow-${device()}`), partial];
    await run(python, args, { onLine, env: await pipEnvironment() });
    renameSync(partial, folder);
  },
  makes: () =>
    ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include'].map((name) =>
      join(tensorflow(device()), 'tensorflow', name),
    ),
};

/** Where TensorFlow's folder is made. */
const partialOf = (folder) => `${folder}.partial`;

/** What a set-up that was killed may have left, and no step goes on with. */
const leftovers = () => [scratch, ...['cpu', 'gpu'].map((device) => partialOf(tensorflow(device)))];

const native = {
  title: 'Compiling the TensorFlow binding',
  stamp: () => join(binding, '.set-up'),
  version: () =>
    fingerprint(
      device(),
      library.version(),
      text('scripts/binding.mjs'),
      sources(join(bindingPackage, 'binding'), /\.(cc|h)$/),
      sources(shim, /\.(cc|h)$/),
    ),
  bytes: () => 0,
  make: () => compileBinding(binding, tensorflow(device()), findCompiler()),
  makes: () => [join(binding, 'tfjs_binding.node')],
};

/** The course's library, from TypeScript to what notebooks import. */
const lib = {
  title: 'Building the library',
  stamp: () => join(root, 'lib', 'dist', '.set-up'),
  version: () =>
    fingerprint(text('tsconfig.json'), text('package-lock.json'), sources(join(root, 'lib'), /\.(ts|json)$/)),
  bytes: () => 0,
  async make() {
    rmSync(join(root, 'lib', 'dist'), { recursive: true, force: true });
    await compile(join(root, 'lib'), '--force');
  },
  makes: () => [join(root, 'lib', 'dist', 'index.js')],
};

const kernel = {
  title: 'Installing the kernel and the chart extension',
  stamp: () => join(venv, 'share', 'jupyter', '.set-up'),
  version: () => fingerprint(text('package-lock.json'), jupyterFiles, sources(extension, /./)),
  bytes: () => 0,
  make: installJupyterFiles,
  makes: () => [...Object.keys(jupyterFiles), join(chartExtension, 'package.json')],
};

const steps = [packages, jupyter, library, native, lib, kernel];
const isDone = (step) => isStamped(step.stamp(), step.version()) && step.makes().every(existsSync);

/**
 * Brings the project folder to the state in which everything runs; does only what is not done yet.
 * @throws {SetupError} when something is missing, with the remedy
 */
export async function setUp() {
  try {
    if (steps.every(isDone)) return;
    if (!isDone(jupyter)) findPython();
    mkdirSync(state, { recursive: true });
    await withLock(root, makeMissing);
  } catch (error) {
    const sentence = error instanceof SetupError ? null : explain(String(error?.message));
    throw sentence ? new SetupError(sentence, { cause: error }) : error;
  }
}

/** Sets up; where that fails, says why in one sentence and ends the process. */
export const setUpOrExit = () => runOrExit(setUp);

/** The titles of the steps that are not done. */
export const missingSteps = () => steps.filter((step) => !isDone(step)).map(({ title }) => title);

async function makeMissing() {
  for (const path of leftovers()) rmSync(path, { recursive: true, force: true });
  const missing = steps.filter((step) => !isDone(step));
  needDisk(missing.reduce((sum, step) => sum + step.bytes(), 0));
  writeFileSync(log, '');
  mkdirSync(scratch);
  for (const step of steps) {
    // Asked again: what a step makes may be what a later one stands on.
    if (isDone(step)) continue;
    await reportStep(step.title, (bar) => stamped(step.stamp(), () => make(step, bar), step.version));
  }
  rmSync(scratch, { recursive: true, force: true });
}

async function make(step, bar) {
  await step.make(bar);
  const missing = step.makes().find((path) => !existsSync(path));
  if (!missing) return;
  throw new SetupError(
    `${missing} is missing, though no program reported an error: what they printed is in ${log}. ` +
      'Look there for a setting of npm or pip that leads elsewhere, then run the command again.',
  );
}

function text(path) {
  return readFileSync(resolve(root, path), 'utf8');
}

/** Names and contents of the sources below a folder, without what is built or installed there. */
function sources(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'dist' && name !== 'node_modules')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sources(path, pattern);
      return pattern.test(entry.name) ? [relative(root, path), readFileSync(path, 'utf8')] : [];
    });
}
