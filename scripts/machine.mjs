// What this machine has: Python, a C++ compiler, a GPU, room on the disk.
import { spawnSync } from 'node:child_process';
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
  return asked || (findGpus().gpus.length > 0 ? 'gpu' : 'cpu');
}

/**
 * The NVIDIA GPUs as their driver names them, with memory and the driver's version, or why it names none. Asked once.
 * @returns {{ gpus: string[], problem?: string }} problem: only where there is an nvidia-smi
 */
export const findGpus = () => (found ??= askForGpus());
let found;

function askForGpus() {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  // WSL keeps Windows' driver in a folder of its own.
  for (const command of ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi']) {
    const { ok, output, isThere, ending } = tryRun(command, query, 5);
    if (!isThere) continue;
    const lines = output.trim().split('\n').filter(Boolean);
    // With exit code 0 it may say that no devices were found.
    const gpus = ok ? lines.filter((line) => /^[^,]+, *\d+ MiB, *[\d.]+$/.test(line.trim())) : [];
    if (gpus.length > 0) return { gpus };
    return {
      gpus,
      problem: `${command} ${ending ? `${ending}: ` : 'names no GPU: '}${lines[0] ?? 'it printed nothing'}`,
    };
  }
  return { gpus: [] };
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

/**
 * Runs a program for at most `seconds`.
 * @returns {{ ok: boolean, isThere: boolean, output: string, ending: string }} ok: whether it ended well; isThere: whether it
 *   could be started; output: what it printed, errors after the rest; ending: how it ended, if not well
 */
export function tryRun(command, args, seconds = 20) {
  const options = { encoding: 'utf8', timeout: seconds * 1000, killSignal: 'SIGKILL' };
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const isLate = error?.code === 'ETIMEDOUT';
  return {
    ok: status === 0 && !error,
    isThere: !error || isLate,
    output: `${stdout ?? ''}${status === 0 ? '' : (stderr ?? '')}`,
    ending: isLate ? `did not answer within ${seconds} s` : status === 0 ? '' : `failed (${status ?? signal})`,
  };
}
