import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
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

test('npm start serves JupyterLab on the first notebook, with the TypeScript kernel, and writes nothing at home', async (t) => {
  const home = temporaryFolder(t);
  const env = plainEnvironment({ HOME: home, XDG_CONFIG_HOME: undefined, XDG_DATA_HOME: undefined });
  const start = startNode(['scripts/start.mjs', '--no-browser', '--port', '0'], { cwd: root, env, detached: true });
  t.after(() => {
    if (start.child.exitCode === null) process.kill(-Number(start.child.pid), 'SIGKILL'); // JupyterLab, too
  });
  const address = /http:\/\/127\.0\.0\.1:(\d+)\/lab\/tree\/notebooks\/01-data\.ipynb\?token=(\w+)/;
  await until(() => address.test(start.output()), 'the address');
  const [, port, token] = address.exec(start.output()) ?? [];
  const specs = (await (await fetch(`http://127.0.0.1:${port}/api/kernelspecs?token=${token}`)).json()) as KernelSpecs;
  assert.equal(specs.default, 'tslab');
  assert.deepEqual(Object.keys(specs.kernelspecs), ['tslab']);
  assert.ok(start.output().split('\n').length < 12, `too much to read:\n${start.output()}`);
  // Ctrl+C goes to all the processes in front.
  process.kill(-Number(start.child.pid), 'SIGINT');
  await start.ended;
  assert.deepEqual(readdirSync(home), []);
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
