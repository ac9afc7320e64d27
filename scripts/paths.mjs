// Where set-up puts things. Everything lies inside the project folder: removing the folder removes all of it.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project folder. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const at = (...parts) => join(root, ...parts);

/** Python's virtual environment with JupyterLab, the kernel and the chart extension. */
export const venv = at('.venv');
export const python = join(venv, 'bin', 'python');
/** Set-up's own folder: TensorFlow's C library, the log, the lock, Jupyter's settings. */
export const state = at('.setup');
export const log = join(state, 'log');
export const tensorflow = (device) => join(state, 'tensorflow', device);
export const bindingPackage = at('node_modules', '@tensorflow', 'tfjs-node-gpu');
export const binding = join(bindingPackage, 'lib', 'napi-v8');

/** Environment for Jupyter: its settings, history and run-time files stay in the project. */
export const jupyterEnv = {
  ...process.env,
  PATH: `${join(venv, 'bin')}:${process.env.PATH}`,
  JUPYTER_CONFIG_DIR: join(state, 'jupyter', 'config'),
  JUPYTER_DATA_DIR: join(state, 'jupyter', 'data'),
  JUPYTER_RUNTIME_DIR: join(state, 'jupyter', 'runtime'),
  IPYTHONDIR: join(state, 'jupyter', 'ipython'),
};
