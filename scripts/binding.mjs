// tfjs-node-gpu's own C++ binding, compiled against TensorFlow's C library.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { pip } from './packages.mjs';
import { bindingPackage, root, scratch } from './paths.mjs';
import { run } from './run.mjs';

const ZIG_VERSION = '0.17.1';

/** Our package around tfjs-node-gpu, with C++ sources of its own. */
export const shim = join(root, 'lib', 'engine', 'native');

/**
 * Compiles into `folder`: `tfjs_binding.node`, and `native.node`, which is ours alone (lib/engine/native/native.cc). Where
 * there is no compiler, or one that fails at it, Zig's is taken: it comes in a Python wheel and is removed afterwards.
 * @param {string} folder
 * @param {string} library folder with TensorFlow's C library
 * @param {string | null} compiler its command; null for Zig's
 * @param {string[]} [extra] more arguments for the compiler of our sources, and for the linker
 */
export async function compileBinding(folder, library, compiler, extra = []) {
  const partial = join(scratch, 'binding');
  const build = async (command, env) => {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    const call = (args, cwd) => run(command[0], [...command.slice(1), ...args], { env, cwd });
    await buildNative(partial, call, extra);
    await buildTfjs(partial, call, extra, folder, library);
  };
  const isBuilt = compiler && (await succeeds(build([compiler])));
  if (!isBuilt) {
    const zig = join(scratch, 'zig');
    const caches = { ZIG_GLOBAL_CACHE_DIR: join(zig, 'cache'), ZIG_LOCAL_CACHE_DIR: join(zig, 'cache') };
    await pip('install', '--target', zig, `ziglang==${ZIG_VERSION}`);
    await build([join(zig, 'ziglang', 'zig'), 'c++'], caches);
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

const sources = (folder, pattern) =>
  readdirSync(folder)
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));

// Contract: a multiplication and an addition become one instruction, with Clang as with GCC.
const FLAGS = ['-std=c++17', '-O3', '-ffp-contract=fast', '-fPIC'];
/** -Wno-psabi: GCC notes that vectors as arguments are passed in another way since GCC 4.6. */
const WARNINGS = ['-Wall', '-Wextra', '-Werror', '-Wno-psabi'];

async function buildNative(partial, call, extra) {
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  const files = ['native.cc', 'isa.cc', 'cores.cc'].map((name) => join(shim, name));
  const flags = [...FLAGS, ...WARNINGS, ...extra, '-shared', '-DNAPI_VERSION=8', '-isystem', headers];
  await call([...flags, ...files, '-o', join(partial, 'native.node')]);
}

async function buildTfjs(partial, call, extra, folder, library) {
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  const tensorflow = join(library, 'tensorflow');
  const include = [headers, join(bindingPackage, '..'), join(tensorflow, 'include')].flatMap((path) => [
    '-isystem',
    path,
  ]);
  const ours = [
    ...sources(shim, /\.cc$/).filter((path) => !path.endsWith('native.cc')),
    ...sources(join(shim, 'ops'), /\.cc$/),
  ];
  const theirs = sources(join(bindingPackage, 'binding'), /^tfjs_(backend|binding)\.cc$/);
  const objects = join(partial, 'objects');
  mkdirSync(objects);
  await Promise.all([
    call([...FLAGS, ...WARNINGS, ...extra, ...include, '-c', ...ours], objects),
    call([...FLAGS, '-w', '-DNAPI_VERSION=8', ...include, '-c', ...theirs], objects),
  ]);
  const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'].map((name) => join(tensorflow, name));
  // $ORIGIN is the folder that the binding lies in: the project may be moved.
  const search = [tensorflow, ...nvidiaLibraries(library)].map(
    (path) => `-Wl,-rpath,$ORIGIN/${relative(folder, path)}`,
  );
  const output = ['-o', join(partial, 'tfjs_binding.node')];
  await call([...extra, '-shared', ...sources(objects, /\.o$/), ...libraries, ...search, ...output]);
  rmSync(objects, { recursive: true });
}

function nvidiaLibraries(library) {
  const folder = join(library, 'nvidia');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name, 'lib'))
    .filter(existsSync);
}
