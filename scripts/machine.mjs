// What this machine has: Python, a C++ compiler, a GPU, room on the disk.
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { root } from './paths.mjs';
import { SetupError } from './run.mjs';

/**
 * The command of a Python that can make virtual environments.
 * @throws {SetupError} when there is none
 */
export function findPython() {
  const check = 'import sys; print(*sys.version_info[:2]); import venv, ensurepip';
  const seen = [];
  for (const name of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    const { output, ok } = tryRun(name, ['-c', check]);
    const [major, minor] = output.split(/\s/).map(Number);
    if (!major) continue;
    const isNewEnough = major === 3 && minor >= 10;
    if (isNewEnough && ok) return name;
    seen.push({ name, version: `${major}.${minor}`, isNewEnough });
  }
  const withoutVenv = seen.find(({ isNewEnough }) => isNewEnough);
  if (withoutVenv) {
    throw new SetupError(
      `Python ${withoutVenv.version} lacks its module venv: install it (on Debian or Ubuntu: ` +
        `sudo apt install python${withoutVenv.version}-venv), then run the command again.`,
    );
  }
  const found = seen.length ? `only ${seen.map(({ version }) => version).join(' and ')} was found` : 'none was found';
  throw new SetupError(
    `Python 3.10 or newer is needed, and ${found}: install it (on Debian or Ubuntu: ` +
      'sudo apt install python3 python3-venv), then run the command again.',
  );
}

/**
 * Which TensorFlow to take: TENSORFLOW=cpu|gpu decides, else whether an NVIDIA driver answers.
 * @returns {'cpu' | 'gpu'}
 * @throws {SetupError} when TENSORFLOW is something else
 */
export function device() {
  const asked = process.env.TENSORFLOW;
  if (asked && asked !== 'cpu' && asked !== 'gpu') {
    throw new SetupError(`TENSORFLOW=${asked} is neither cpu nor gpu: set it to one of the two, or leave it out.`);
  }
  detected ??= findGpus().length > 0 ? 'gpu' : 'cpu';
  return asked || detected;
}
let detected;

/** The NVIDIA GPUs as their driver names them, with memory and the driver's version. */
export function findGpus() {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  // WSL keeps Windows' driver in a folder of its own.
  for (const command of ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi']) {
    const { ok, output } = tryRun(command, query);
    if (ok) return output.trim().split('\n').filter(Boolean);
  }
  return [];
}

/** The C++ compiler's command, or null. */
export function findCompiler() {
  const names = [process.env.CXX, 'g++', 'clang++', 'c++'].filter(Boolean);
  return names.find((name) => tryRun(name, ['--version']).ok) ?? null;
}

/** Free bytes on the project's disk. */
export function freeDisk() {
  const { bavail, bsize } = statfsSync(root);
  return bavail * bsize;
}

/** @throws {SetupError} when the project's disk has less room than `bytes` */
export function needDisk(bytes) {
  const free = freeDisk();
  if (free >= bytes) return;
  const gigabytes = (value) => (value / 1e9).toFixed(1);
  throw new SetupError(
    `The disk has ${gigabytes(free)} GB left, and set-up needs ${gigabytes(bytes)} GB: ` +
      'free some space, or move the project to another disk, then run the command again.',
  );
}

/** A program's output, and whether it could be started and ended well. */
export function tryRun(command, args) {
  try {
    const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 };
    return { ok: true, output: execFileSync(command, args, options) };
  } catch (error) {
    return { ok: false, output: String(error.stdout ?? '') };
  }
}
