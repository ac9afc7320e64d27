import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Context,
  copyProject,
  plainEnvironment,
  root,
  smallDisk,
  startNode,
  temporaryFolder,
  until,
  writeProgram,
} from '../project';

interface KernelSpecs {
  readonly default: string;
  readonly kernelspecs: Record<string, unknown>;
}

/** npm start in the project, without a browser; ends with the test. */
function startLab(t: Context, args: string[], changes: Record<string, string | undefined>) {
  const env = plainEnvironment(changes);
  const start = startNode(['scripts/start.mjs', '--no-browser', '--port', '0', ...args], {
    cwd: root,
    env,
    detached: true,
  });
  t.after(() => {
    if (start.child.exitCode === null) process.kill(-Number(start.child.pid), 'SIGKILL'); // JupyterLab, too
  });
  return start;
}

const address = /^(http:\/\/127\.0\.0\.1:\d+)\/lab\/tree\/notebooks\/([\w-]+)\.ipynb(\?token=(\w+))?$/m;

/** Waits for the address that is printed; gives its parts, and what an address of the server's answers. */
async function printedAddress(start: ReturnType<typeof startLab>) {
  await until(() => address.test(start.output()) || start.child.exitCode !== null, 'the address');
  const [whole, server, notebook, , token] = address.exec(start.output()) ?? [];
  assert.ok(whole, start.output());
  const get = async <T>(path: string, its = token) => {
    const response = await fetch(`${server}/${path}?token=${its}`);
    assert.equal(response.status, 200, path);
    return (await response.json()) as T;
  };
  return { notebook, token, get };
}

test('npm start serves JupyterLab on the first notebook, with the TypeScript kernel, and writes nothing at home', async (t) => {
  const home = temporaryFolder(t);
  const start = startLab(t, [], { HOME: home, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined });
  const { notebook, get } = await printedAddress(start);
  assert.equal(notebook, '01-data');
  const specs = await get<KernelSpecs>('api/kernelspecs');
  assert.equal(specs.default, 'tslab');
  assert.deepEqual(Object.keys(specs.kernelspecs), ['tslab']);
  assert.equal(start.output().trim().split('\n').length, 2, `too much to read:\n${start.output()}`);
  // Ctrl+C goes to all the processes in front.
  process.kill(-Number(start.child.pid), 'SIGINT');
  await start.ended;
  assert.deepEqual(readdirSync(home), []);
});

test('a token of the user’s own is kept, and not printed; settings for another Jupyter change nothing', async (t) => {
  const foreign = {
    JUPYTER_PORT: 'tcp://10.0.0.1:8888', // as links between containers set it
    JUPYTER_PORT_RETRIES: 'none',
    JUPYTER_NO_CONFIG: '1',
    JUPYTER_GATEWAY_URL: 'http://127.0.0.1:1',
    JUPYTERLAB_DIR: '/nowhere',
    JUPYTER_PREFER_ENV_PATH: '0',
    JPY_PARENT_PID: '1',
  };
  const start = startLab(t, ['02-linear.ipynb'], { JUPYTER_TOKEN: 'mine', ...foreign });
  const { notebook, token, get } = await printedAddress(start);
  assert.equal(notebook, '02-linear');
  assert.equal(token, undefined);
  assert.equal((await get<KernelSpecs>('api/kernelspecs', 'mine')).default, 'tslab');
});

test('with a password of the user’s own, the address that is printed works, too', async (t) => {
  const { get } = await printedAddress(startLab(t, ['--PasswordIdentityProvider.hashed_password=argon2:x'], {}));
  await get('api/kernelspecs');
});

test('where all files are readable for everyone, as on Windows’ disks in WSL, JupyterLab starts', async (t) => {
  const folder = temporaryFolder(t);
  const library = join(folder, 'modes.so');
  // Files below .setup have mode 0777, whatever is asked for.
  const source = `
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdarg.h>
    #include <string.h>
    #include <sys/stat.h>
    static int make(const char *name, const char *path, int flags, mode_t mode) {
      int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
      int file = real(path, flags, mode);
      if (file >= 0 && (flags & O_CREAT) && strstr(path, "/.setup/")) fchmod(file, 0777);
      return file;
    }
    #define OPEN(name) int name(const char *path, int flags, ...) { \
      va_list list; va_start(list, flags); mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0; va_end(list); \
      return make(#name, path, flags, mode); }
    OPEN(open)
    OPEN(open64)`;
  const compiler = spawnSync('cc', ['-shared', '-fPIC', '-x', 'c', '-', '-o', library], { input: source });
  if (compiler.status !== 0) return t.skip('there is no C compiler');
  const start = startLab(t, [], { LD_PRELOAD: library });
  await (await printedAddress(start)).get('api/kernelspecs');
});

/** npm start with a JupyterLab that prints how it was started, and listens nowhere. */
async function startPrinting(t: Context, args: string[], changes: Record<string, string> = {}) {
  const folder = temporaryFolder(t);
  copyProject(folder);
  writeFileSync(join(folder, 'scripts', 'setup.mjs'), 'export const setUpOrExit = () => {};');
  mkdirSync(join(folder, 'notebooks'));
  writeFileSync(join(folder, 'notebooks', '02-a b.ipynb'), '');
  writeProgram(join(folder, '.venv', 'bin'), 'python', 'echo "$*"; echo "data: $CIFAR10_DIR runs: $CIFAR10_RUNS"');
  return startNode(['scripts/start.mjs', ...args], { cwd: folder, env: plainEnvironment(changes) }).ended;
}

test('npm start does what was meant where the -- was forgotten', async (t) => {
  // What npm makes of `npm start --no-browser --port 8899`, and of the same in other order and spelling.
  const forms: [args: string[], env: Record<string, string>][] = [
    [['8899'], { npm_config_browser: 'true' }],
    [['8899'], { npm_config_browser: '', npm_config_port: 'true' }],
    [[], { npm_config_browser: '', npm_config_port: '8899' }],
    [['--no-browser', '--port=8899'], {}],
  ];
  for (const [args, env] of forms) {
    const { output } = await startPrinting(t, args, env);
    assert.match(output, /--no-browser/);
    assert.match(output, /--port=8899/);
    assert.doesNotMatch(output, / 8899/);
  }
  const { output } = await startPrinting(t, []);
  assert.doesNotMatch(output, /--no-browser|--port/);
});

test('npm start -- NOTEBOOK opens it, and says where it looked for one that is not there', async (t) => {
  for (const name of ['notebooks/02-a b.ipynb', '02-a b.ipynb']) {
    const { output } = await startPrinting(t, [name]);
    assert.match(output, /--LabApp.default_url=\/lab\/tree\/notebooks\/02-a%20b.ipynb/);
    assert.doesNotMatch(output, /a b/);
  }
  const missing = await startPrinting(t, ['--no-browser', 'notebooks/nosuch.ipynb']);
  assert.match(missing.output, /^There is no notebook notebooks\/nosuch.ipynb, seen from .* or from /);
  assert.equal(missing.code, 1);
  const outside = join(temporaryFolder(t), 'x.ipynb');
  writeFileSync(outside, '');
  assert.match((await startPrinting(t, [outside])).output, /x.ipynb is outside the project folder \(.*: copy it\./);
});

test('CIFAR10_DIR and CIFAR10_RUNS are seen from the folder of the shell', async (t) => {
  const env = { INIT_CWD: '/somewhere', CIFAR10_DIR: './mydata', CIFAR10_RUNS: '/runs.json' };
  assert.match((await startPrinting(t, [], env)).output, /^data: \/somewhere\/mydata runs: \/runs.json$/m);
});

test('npm run doctor names what there is, and finds nothing wrong', () => {
  const output = execFileSync(process.execPath, ['scripts/doctor.mjs'], {
    cwd: root,
    env: plainEnvironment(),
    encoding: 'utf8',
  });
  assert.match(output, /tfjs +4\.22\.0 on TensorFlow 2\.21\.0, for the [CG]PU/);
  assert.match(output, /Threads +\d+/);
  assert.match(output, /Nothing is wrong/);
});

test('npm run doctor says what is not done, what does not load, and what is there twice', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const doctor = () => startNode(['scripts/doctor.mjs'], { cwd: folder, env: plainEnvironment() }).ended;
  const nothing = await doctor();
  assert.equal(nothing.code, 1);
  assert.match(nothing.output, /✗ Not done: “Installing the npm packages”/);

  // The packages, without the binding, and with a second tfjs.
  const packages = join(folder, 'node_modules', '@tensorflow');
  mkdirSync(packages, { recursive: true });
  symlinkSync(join(folder, 'lib', 'engine', 'native'), join(packages, 'tfjs-node'));
  for (const copy of [
    join(packages, 'tfjs-core'),
    join(folder, 'node_modules', 'x', 'node_modules', '@tensorflow', 'tfjs-core'),
  ]) {
    mkdirSync(copy, { recursive: true });
  }
  cpSync(join(root, 'node_modules', '@tensorflow', 'tfjs-node-gpu'), join(packages, 'tfjs-node-gpu'), {
    recursive: true,
    filter: (path) => !path.endsWith('napi-v8'),
  });
  const broken = await doctor();
  assert.equal(broken.code, 1);
  assert.match(broken.output, /✗ tfjs does not run: Error: Cannot find module '.*native.node'/);
  assert.match(broken.output, /✗ There are 2 copies of tfjs/);
});

test('npm run doctor says what set-up would stumble over: an old Python, a folder that may not be written to', async (t) => {
  const folder = smallDisk(t, '40m');
  if (!folder) return t.skip('only root may make a read-only disk');
  copyProject(folder);
  const bin = join(folder, 'bin');
  writeProgram(bin, 'python3', 'echo 3 8');
  const doctor = () => startNode(['scripts/doctor.mjs'], { cwd: folder, env: plainEnvironment({ PATH: bin }) }).ended;
  assert.match((await doctor()).output, /✗ Python 3.10 or newer is needed, and only 3.8 was found: install it/);
  execFileSync('mount', ['-o', 'remount,ro', folder]);
  const { code, output } = await doctor();
  assert.equal(code, 1);
  assert.match(output, /✗ The project folder \(.*\) can't be written to: check its owner and permissions/);
});

test('npm run doctor finds what is wrong with JupyterLab, though its step is stamped', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const doctor = async () =>
    (await startNode(['scripts/doctor.mjs'], { cwd: folder, env: plainEnvironment() }).ended).output;
  const without = await doctor();
  assert.match(without, /✗ Not done: “Installing JupyterLab”/);
  assert.match(without, /Python +JupyterLab is missing/);
  writeFileSync(
    join(folder, 'scripts', 'setup.mjs'),
    'export const missingSteps = () => [];', // as though all was done
  );
  const broken = await doctor();
  assert.match(broken, /✗ JupyterLab does not load: delete the folder .venv, then run npm start/);
  assert.doesNotMatch(broken, /Nothing is wrong/);
});

test('npm run doctor tells an nvidia-smi that names GPUs from one that fails, finds none, or hangs', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  rmSync(join(folder, 'lib'), { recursive: true });
  writeFileSync(join(folder, 'scripts', 'setup.mjs'), 'export const missingSteps = () => [];');
  const bin = join(folder, 'bin');
  const doctor = async (script: string, TENSORFLOW?: string) => {
    writeProgram(bin, 'nvidia-smi', script);
    const env = plainEnvironment({ PATH: `${bin}:${process.env.PATH}`, TENSORFLOW });
    return (await startNode(['scripts/doctor.mjs'], { cwd: folder, env }).ended).output;
  };
  const mismatch = 'Failed to initialize NVML: Driver/library version mismatch';
  const failing = await doctor(`echo '${mismatch}'; exit 18`);
  assert.match(failing, new RegExp(`GPU +nvidia-smi failed \\(18\\): ${mismatch}\n`));
  assert.match(failing, new RegExp(`✗ nvidia-smi failed \\(18\\): ${mismatch}. Training runs on the CPU`));
  assert.match(
    await doctor('echo No devices were found'),
    /✗ nvidia-smi names no GPU: No devices were found\. Training/,
  );
  const begin = performance.now();
  assert.match(await doctor('trap "" TERM; while :; do sleep 1; done'), /✗ nvidia-smi did not answer within 5 s/);
  assert.ok(performance.now() - begin < 30_000, 'one limit for all who ask');
  const named = await doctor(`echo 'NVIDIA H200, 143771 MiB, 580.95.05'; echo 'NVIDIA H200, 143771 MiB, 580.95.05'`);
  assert.match(named, /GPU +NVIDIA H200, 143771 MiB, 580.95.05; NVIDIA H200/);
  assert.doesNotMatch(named, /✗ nvidia-smi/);
  assert.match(await doctor('exit 9', 'cpu'), /GPU +nvidia-smi failed \(9\): .* \(not used: TENSORFLOW=cpu\)/);
});
