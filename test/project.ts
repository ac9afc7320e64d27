// Copies of the project in a temporary folder, for tests that break things.
import { execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What these helpers ask of node:test's context. */
export interface Context {
  after(clean: () => void): void;
}

export const root = join(__dirname, '..', '..');

/** A new folder that goes when the test ends. */
export function temporaryFolder(t: Context, parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'cifar10-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A small disk in memory, until the test ends; undefined where this user may not make one. */
export function smallDisk(t: Context, size: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmdirSync(folder);
    return undefined;
  }
  t.after(() => {
    execFileSync('umount', [folder]);
    rmdirSync(folder);
  });
  return folder;
}

/** Copies what a clone holds for set-up to `to`; what set-up made is linked when named in `made`. */
export function copyProject(to: string, made: ('node_modules' | '.venv' | '.setup/tensorflow' | 'lib/dist')[] = []) {
  const isMade = (path: string) => /\/(node_modules|dist)$/.test(path);
  for (const name of ['scripts', 'lib', 'package.json', 'package-lock.json', 'tsconfig.json', '.npmrc']) {
    cpSync(join(root, name), join(to, name), { recursive: true, filter: (path) => !isMade(path) });
  }
  mkdirSync(join(to, '.setup'));
  for (const name of made) symlinkSync(join(root, name), join(to, name));
}

/** Writes a program into `folder`, to be found on a PATH. */
export function writeProgram(folder: string, name: string, script: string) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** Environment for a program as a user would start it, not as a test's child. */
export function plainEnvironment(changes: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  return { ...process.env, NODE_TEST_CONTEXT: undefined, npm_execpath: undefined, INIT_CWD: undefined, ...changes };
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Starts Node with `args`; `ended` holds its exit code and all that it printed. */
export function startNode(args: string[], options: SpawnOptions) {
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const ended = new Promise<Ended>((done) => child.on('exit', (code) => setImmediate(() => done({ code, output }))));
  return { child, ended, output: () => output };
}

/** Whether the process is alive (and not a zombie that nobody collects). */
export function isRunning(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

/** Waits until `condition` holds; throws after a minute. */
export async function until(condition: () => boolean, what: string) {
  for (let i = 0; i < 600; i++) {
    if (condition()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`Waited a minute for ${what}.`);
}
