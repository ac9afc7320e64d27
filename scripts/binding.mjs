// tfjs-node-gpu's own C++ binding, compiled against TensorFlow's C library.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { bindingPackage, python, root, scratch } from './paths.mjs';
import { run } from './run.mjs';

const ZIG_VERSION = '0.17.1';

/** Our package around tfjs-node-gpu, with C++ sources of its own. */
export const shim = join(root, 'lib', 'engine', 'native');

/**
 * Compiles into `folder`: `tfjs_binding.node`, and `stderr.node`, which keeps TensorFlow's loading quiet.
 * Where there is no compiler, or one that fails at it, Zig's is taken: it comes in a Python wheel and is removed afterwards.
 * @param {string} folder
 * @param {string} library folder with TensorFlow's C library
 * @param {string | null} compiler its command; null for Zig's
 */
export async function compileBinding(folder, library, compiler) {
  const partial = join(scratch, 'binding');
  mkdirSync(partial, { recursive: true });
  const compile = async (command, env) => {
    for (const [name, args] of Object.entries(compilerArguments(folder, library))) {
      await run(command[0], [...command.slice(1), ...args, '-o', join(partial, name)], { env });
    }
  };
  const isCompiled = compiler && (await succeeds(compile([compiler])));
  if (!isCompiled) {
    const zig = join(scratch, 'zig');
    const caches = { ZIG_GLOBAL_CACHE_DIR: join(zig, 'cache'), ZIG_LOCAL_CACHE_DIR: join(zig, 'cache') };
    await run(python, ['-m', 'pip', 'install', '--target', zig, `ziglang==${ZIG_VERSION}`]);
    await compile([join(zig, 'ziglang', 'zig'), 'c++'], caches);
    rmSync(zig, { recursive: true, force: true });
  }
  mkdirSync(join(folder, '..'), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

const succeeds = (promise) =>
  promise.then(
    () => true,
    () => false,
  );

function compilerArguments(folder, library) {
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  const libraries = join(library, 'tensorflow');
  // Contract: a multiplication and an addition become one instruction, with Clang as with GCC.
  const optimise = ['-O3', '-ffp-contract=fast', '-Wno-psabi'];
  const flags = ['-std=c++17', ...optimise, '-fPIC', '-shared', '-DNAPI_VERSION=8', `-I${headers}`];
  return {
    'stderr.node': [...flags, join(shim, 'stderr.cc')],
    'tfjs_binding.node': [
      ...flags,
      ...[join(bindingPackage, '..'), join(libraries, 'include')].map((path) => `-I${path}`),
      ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(bindingPackage, 'binding', name)),
      ...['log-level.cc', 'memory.cc'].map((name) => join(shim, name)),
      ...readdirSync(join(shim, 'ops'))
        .filter((name) => name.endsWith('.cc'))
        .map((name) => join(shim, 'ops', name)),
      ...['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'].map((name) => join(libraries, name)),
      // $ORIGIN is the folder that the binding lies in: the project may be moved.
      ...[libraries, ...nvidiaLibraries(library)].map((path) => `-Wl,-rpath,$ORIGIN/${relative(folder, path)}`),
    ],
  };
}

function nvidiaLibraries(library) {
  const folder = join(library, 'nvidia');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name, 'lib'))
    .filter(existsSync);
}
