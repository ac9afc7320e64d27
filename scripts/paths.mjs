// Where set-up puts things. Everything lies inside the project folder: removing the folder removes all of it.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project folder. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Python's virtual environment with JupyterLab, the kernel and the chart extension. */
export const venv = join(root, '.venv');
export const python = join(venv, 'bin', 'python');

/** Set-up's own folder: TensorFlow's C library, the log, Jupyter's settings. */
export const state = join(root, '.setup');
export const log = join(state, 'log');
export const scratch = join(state, 'tmp');
/** @param {'cpu' | 'gpu'} device */
export const tensorflow = (device) => join(state, 'tensorflow', device);

/** The package whose JavaScript and C++ sources we use, and the folder in it where it looks for its binding. */
export const bindingPackage = join(root, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
export const binding = join(bindingPackage, 'lib', 'napi-v8');

/**
 * A path as the user wrote it, seen from the folder of their shell: npm runs its scripts in the project folder. What no folder
 * is to Node (~/x, file://…) stays as it is, for the error that names it.
 */
export const fromShell = (path) =>
  /^(~|\w+:)/.test(path) ? path : resolve(process.env.INIT_CWD ?? process.cwd(), path);
