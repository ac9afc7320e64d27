// npm and pip, whatever their settings on this machine say: packages go where set-up expects them.
import { devNull } from 'node:os';
import { basename, join } from 'node:path';
import { python, root, scratch } from './paths.mjs';
import { run } from './run.mjs';

/** Which packages npm installs, and where. On the command line, where no variable and no .npmrc counts more. */
const NPM_OPTIONS = [
  `--prefix=${root}`,
  ...['--location=project', '--no-global', '--install-strategy=hoisted', '--no-install-links'],
  ...['--no-dry-run', '--no-package-lock-only', '--ignore-scripts', '--bin-links'],
  ...['--workspaces', '--include-workspace-root'],
  ...['--include=dev', '--include=optional', '--include=peer', '--no-legacy-peer-deps', '--no-engine-strict'],
  ...[`--os=${process.platform}`, `--cpu=${process.arch}`],
  ...['--no-progress', '--no-json', '--loglevel=notice'],
];

/**
 * Installs the packages of package-lock.json into node_modules.
 * @throws {SetupError} when npm fails
 */
export async function installNpmPackages() {
  const caller = process.env.npm_execpath ?? ''; // yarn and pnpm name themselves here, too
  const [command, ...script] = basename(caller).startsWith('npm') ? [process.execPath, caller] : ['npm'];
  const install = (...more) => run(command, [...script, 'ci', ...NPM_OPTIONS, ...more]);
  try {
    await install();
  } catch (error) {
    // npm's cache is in the user's home, which may not be theirs to write to (HOME=/), or hold files of root's.
    if (!error.isOutside) throw error;
    await install(`--cache=${join(scratch, 'npm')}`);
  }
}

/** Settings that say where packages come from: all that we take over from the user. */
const PIP_SOURCES = [
  ...['index-url', 'extra-index-url', 'find-links', 'no-index', 'trusted-host', 'keyring-provider'],
  ...['cert', 'client-cert', 'proxy', 'retries', 'timeout', 'default-timeout'],
];
const variableOf = (option) => `PIP_${option.toUpperCase().replaceAll('-', '_')}`;

/**
 * The environment in which pip runs: of the user's settings, in variables or in a pip.conf, only PIP_SOURCES.
 * @returns {Promise<Record<string, string | undefined>>}
 */
export async function pipEnvironment() {
  const names = Object.keys(process.env).filter((name) => name.startsWith('PIP_'));
  const env = Object.fromEntries(names.map((name) => [name, undefined]));
  const { PIP_CONFIG_FILE } = process.env;
  const listed = await run(python, ['-m', 'pip', 'config', 'list'], { env: { ...env, PIP_CONFIG_FILE } });
  const isGlobal = (line) => line.startsWith('global.');
  const lines = listed.split('\n');
  // What is set for one of pip's commands counts more than what is set for all.
  for (const line of [...lines.filter(isGlobal), ...lines.filter((line) => !isGlobal(line))]) {
    const [, option, value] = /^\w+\.([\w-]+)=['"](.*)['"]$/.exec(line) ?? [];
    if (PIP_SOURCES.includes(option)) env[variableOf(option)] = value.replaceAll('\\n', ' ').trim();
  }
  for (const name of PIP_SOURCES.map(variableOf)) if (process.env[name] !== undefined) env[name] = process.env[name];
  return { ...env, PIP_CONFIG_FILE: devNull, PIP_NO_CACHE_DIR: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
}

/** Runs pip in the virtual environment. */
export const pip = async (...args) => run(python, ['-m', 'pip', ...args], { env: await pipEnvironment() });
