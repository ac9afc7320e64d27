// Set-up, as a list of steps: each knows how to see that it is done, and how to do it. Uses nothing but Node itself.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { withLock } from './lock.mjs';
import { binding, bindingPackage, python, root, tensorflow, venv } from './paths.mjs';
import { reportStep } from './report.mjs';
import { run, SetupError } from './run.mjs';
import { fileHolds, fingerprint, isStamped, stamp, writeAtomically } from './stamp.mjs';

const TENSORFLOW_VERSION = '2.21.0';
const ZIG_VERSION = '0.17.1';
const GIGABYTE = 1e9;

const text = (...path) => readFileSync(join(root, ...path), 'utf8');

/** npm packages, from the lockfile. */
const packages = {
  title: 'Installing the npm packages',
  folder: join(root, 'node_modules'),
  version: () => fingerprint(text('package-lock.json')),
  isDone: () => isStamped(packages.folder, packages.version()),
  async make() {
    const npm = process.env.npm_execpath;
    const [command, ...args] = npm ? [process.execPath, npm] : ['npm'];
    await run(command, [...args, 'ci', '--no-progress']);
    stamp(packages.folder, packages.version());
  },
};

/** JupyterLab in a virtual environment of the project. Its scripts hold the folder's path: a moved project makes it anew. */
const jupyter = {
  title: 'Installing JupyterLab',
  version: () => fingerprint(text('scripts', 'requirements.txt'), root),
  isDone: () => existsSync(python) && isStamped(venv, jupyter.version()),
  async make() {
    rmSync(venv, { recursive: true, force: true });
    await run(findPython(), ['-m', 'venv', venv]);
    const requirements = join(root, 'scripts', 'requirements.txt');
    await run(python, ['-m', 'pip', 'install', '--no-cache-dir', '--requirement', requirements]);
    stamp(venv, jupyter.version());
  },
};

/** TensorFlow's C library and headers, out of its Python wheel; with a GPU, NVIDIA's libraries beside it. */
const library = {
  title: `Fetching TensorFlow ${TENSORFLOW_VERSION}`,
  folder: () => tensorflow(device()),
  version: () => fingerprint(TENSORFLOW_VERSION, text('scripts', 'wheels.py')),
  isDone: () => isStamped(library.folder(), library.version()),
  async make(bar) {
    needDisk(device() === 'gpu' ? 8 * GIGABYTE : 2 * GIGABYTE);
    const folder = library.folder();
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    const onLine = (line) => {
      const progress = /^Progress (\d+) of (\d+)/.exec(line);
      if (progress && Number(progress[2]) > 5e6) bar(Number(progress[1]), Number(progress[2]));
    };
    await run(python, [join(root, 'scripts', 'wheels.py'), device(), TENSORFLOW_VERSION, partial], { onLine });
    rmSync(folder, { recursive: true, force: true });
    stamp(partial, library.version());
    renameSync(partial, folder);
  },
};

const shim = join(root, 'lib', 'tfjs-node');

/** tfjs-node-gpu's own C++ binding, compiled against that library. */
const native = {
  title: 'Compiling the TensorFlow binding',
  version: () =>
    fingerprint(
      device(),
      library.version(),
      readSources(join(bindingPackage, 'binding'), /\.(cc|h)$/),
      readSources(shim, /\.cc$/),
    ),
  isDone: () => isStamped(binding, native.version()),
  async make() {
    await compileBinding(binding, findCompiler());
    stamp(binding, native.version());
  },
};

/** The course's library, from TypeScript to what notebooks import. */
const lib = {
  title: 'Building the library',
  folder: join(root, 'lib', 'dist'),
  version: () =>
    fingerprint(text('tsconfig.json'), text('package-lock.json'), readSources(join(root, 'lib'), /\.(ts|json)$/)),
  isDone: () => isStamped(lib.folder, lib.version()),
  async make() {
    rmSync(lib.folder, { recursive: true, force: true });
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    await run(process.execPath, [tsc, '--build', '--force', join(root, 'lib')]);
    stamp(lib.folder, lib.version());
  },
};

/** What JupyterLab needs of us: the tslab kernel, the chart extension and settings. */
const kernel = {
  title: 'Installing the kernel and the chart extension',
  share: join(venv, 'share', 'jupyter'),
  extension: join(root, 'lib', 'jupyter', 'extension'),
  version: () =>
    fingerprint(text('package-lock.json'), kernelSpec(), serverConfig, labSettings, readSources(kernel.extension, /./)),
  isDone: () => fileHolds(join(kernel.share, '.course'), kernel.version()),
  async make() {
    writeAtomically(join(kernel.share, 'kernels', 'tslab', 'kernel.json'), json(kernelSpec()));
    writeAtomically(join(venv, 'etc', 'jupyter', 'jupyter_server_config.json'), json(serverConfig));
    writeAtomically(join(kernel.share, 'lab', 'settings', 'overrides.json'), json(labSettings));
    const target = join(kernel.share, 'labextensions', 'cifar10-charts');
    rmSync(target, { recursive: true, force: true });
    cpSync(kernel.extension, target, { recursive: true });
    cpSync(join(root, 'node_modules', 'plotly.js-dist', 'plotly.js'), join(target, 'static', 'plotly.js'));
    writeAtomically(join(kernel.share, '.course'), kernel.version());
  },
};

const steps = [packages, jupyter, library, native, lib, kernel];

/**
 * Brings the project folder to the state in which everything runs; does only what is not done yet.
 * @throws {SetupError} when something is missing, with the remedy
 */
export async function setUp() {
  checkMachine();
  if (steps.every((step) => step.isDone())) return;
  await withLock(async () => {
    for (const step of steps) {
      if (!step.isDone()) await reportStep(step.title, step.make);
    }
  });
}

/** Titles of the steps that are not done. */
export const missingSteps = () => steps.filter((step) => !step.isDone()).map((step) => step.title);

/** @throws {SetupError} where the course can't run */
function checkMachine() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(
      `This course runs on Linux x64 and in WSL2 on Windows; this is ${process.platform} ${process.arch}. ` +
        'On another machine, run it in a Linux x64 container or virtual machine.',
    );
  }
  const major = Number(process.versions.node.split('.')[0]);
  if (![20, 22, 24, 26].includes(major)) {
    throw new SetupError(
      `Node ${process.versions.node} is not supported: install Node 20, 22, 24 or 26 (https://nodejs.org), then run the command again.`,
    );
  }
  if (!existsSync(python)) findPython();
}

/**
 * A Python that can make virtual environments.
 * @throws {SetupError}
 */
function findPython() {
  const check = 'import sys; print(*sys.version_info[:2]); import venv, ensurepip';
  const seen = [];
  for (const name of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    const { output, ok } = tryRun(name, ['-c', check]);
    const [major, minor] = output.split(/\s/).map(Number);
    const isNewEnough = major === 3 && minor >= 10;
    if (ok && isNewEnough) return name;
    if (major) seen.push(`${name} is ${major}.${minor}${isNewEnough ? ', without venv' : ''}`);
  }
  const withoutVenv = seen.some((line) => line.endsWith('without venv'));
  throw new SetupError(
    withoutVenv
      ? `Python lacks its module venv (${seen[0]}): install it (Debian, Ubuntu: sudo apt install python3-venv), then run the command again.`
      : `Python 3.10 or newer is needed and was not found${seen.length ? ` (${seen.join('; ')})` : ''}: ` +
          'install it (Debian, Ubuntu: sudo apt install python3 python3-venv), then run the command again.',
  );
}

/** Which TensorFlow: TENSORFLOW=cpu|gpu decides, else whether an NVIDIA driver answers. */
export function device() {
  const asked = process.env.TENSORFLOW;
  if (asked && asked !== 'cpu' && asked !== 'gpu') {
    throw new SetupError(`TENSORFLOW=${asked} is neither cpu nor gpu: set one of the two, or leave it out.`);
  }
  detectedDevice ??=
    asked ?? (['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'].some((name) => tryRun(name, ['-L']).ok) ? 'gpu' : 'cpu');
  return /** @type {'cpu' | 'gpu'} */ (detectedDevice);
}
let detectedDevice;

/**
 * The command of a C++ compiler, or null: then Zig's is taken, which comes in a Python wheel.
 * @returns {string[] | null}
 */
function findCompiler() {
  const name = [process.env.CXX, 'g++', 'clang++', 'c++'].find(
    (command) => command && tryRun(command, ['--version']).ok,
  );
  return name ? [name] : null;
}

/**
 * Compiles into `folder`: `tfjs_binding.node`, and `stderr.node` which keeps TensorFlow's loading quiet.
 * @param {string} folder
 * @param {string[] | null} compiler the command; null takes Zig's
 */
export async function compileBinding(folder, compiler) {
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const [command, ...first] = compiler ?? (await installZig(join(partial, 'zig')));
  const libraries = join(library.folder(), 'tensorflow');
  // $ORIGIN is where the binding lies: the project folder may be moved.
  const rpath = [libraries, ...nvidiaLibraries()].map((path) => `-Wl,-rpath,$ORIGIN/${relative(folder, path)}`);
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  const flags = ['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', `-I${headers}`];
  const cache = join(partial, 'zig-cache');
  const compile = (name, args) =>
    run(command, [...first, ...flags, ...args, '-o', join(partial, name)], {
      env: { ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache },
    });
  await compile('stderr.node', [join(shim, 'stderr.cc')]);
  await compile('tfjs_binding.node', [
    ...[join(bindingPackage, '..'), join(libraries, 'include')].map((path) => `-I${path}`),
    join(bindingPackage, 'binding', 'tfjs_backend.cc'),
    join(bindingPackage, 'binding', 'tfjs_binding.cc'),
    join(shim, 'log-level.cc'),
    join(libraries, 'libtensorflow_cc.so.2'),
    join(libraries, 'libtensorflow_framework.so.2'),
    ...rpath,
  ]);
  for (const path of [join(partial, 'zig'), cache]) rmSync(path, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

async function installZig(folder) {
  await run(python, ['-m', 'pip', 'install', '--no-cache-dir', '--target', folder, `ziglang==${ZIG_VERSION}`]);
  return [join(folder, 'ziglang', 'zig'), 'c++'];
}

function nvidiaLibraries() {
  const folder = join(library.folder(), 'nvidia');
  return existsSync(folder)
    ? readdirSync(folder)
        .map((name) => join(folder, name, 'lib'))
        .filter(existsSync)
    : [];
}

/** @throws {SetupError} when the project's disk has less room than `bytes` */
function needDisk(bytes) {
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize < bytes) {
    const gigabytes = (value) => (value / GIGABYTE).toFixed(1);
    throw new SetupError(
      `The disk has ${gigabytes(bavail * bsize)} GB left and TensorFlow needs ${gigabytes(bytes)} GB: ` +
        'free some space, or move the project to another disk, then run the command again.',
    );
  }
}

function tryRun(command, args) {
  try {
    return {
      ok: true,
      output: execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 }),
    };
  } catch (error) {
    return { ok: false, output: String(error.stdout ?? '') };
  }
}

/** Names and contents of the sources below a folder, without what is built or installed there. */
function readSources(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'dist' && name !== 'node_modules')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return readSources(path, pattern);
      return pattern.test(entry.name) ? [relative(root, path), readFileSync(path, 'utf8')] : [];
    });
}

const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

const kernelSpec = () => ({
  argv: [
    process.execPath,
    join(root, 'node_modules', 'tslab', 'bin', 'tslab'),
    'kernel',
    '--config-path={connection_file}',
  ],
  display_name: 'TypeScript',
  language: 'typescript',
});

const serverConfig = { KernelSpecManager: { ensure_native_kernel: false, allowed_kernelspecs: ['tslab'] } };

const labSettings = {
  '@jupyterlab/apputils-extension:notification': { fetchNews: 'false', checkForUpdates: false },
};
