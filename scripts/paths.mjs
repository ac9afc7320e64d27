// Where set-up puts things. Everything lies inside the project folder: removing the folder removes all of it.
import { delimiter, dirname, join, resolve } from 'node:path';
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

/** Environment for Jupyter: our programs first, and its settings, history and run-time files in the project. */
export const jupyterEnv = {
  ...process.env,
  // The kernel is started as `node`: the one that runs us.
  PATH: [join(venv, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter),
  PYTHONHOME: undefined,
  PYTHONPATH: undefined,
  JUPYTER_CONFIG_DIR: join(state, 'jupyter', 'config'),
  JUPYTER_DATA_DIR: join(state, 'jupyter', 'data'),
  JUPYTER_RUNTIME_DIR: join(state, 'jupyter', 'runtime'),
  IPYTHONDIR: join(state, 'jupyter', 'ipython'),
};
