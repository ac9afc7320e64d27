// npm start: sets up what is missing, then opens JupyterLab. Arguments go to JupyterLab: npm start -- --no-browser --port 8899
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { jupyterEnv, root, venv } from './paths.mjs';
import { SetupError } from './run.mjs';
import { setUp } from './setup.mjs';

try {
  await setUp();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\n${error.message}`);
  process.exit(1);
}

const args = process.argv.slice(2);
const notebook = args.some((arg) => arg.endsWith('.ipynb')) ? [] : [join('notebooks', '01-data.ipynb')];
// JupyterLab refuses to run as root, which is what one is in a container.
const asRoot = process.getuid() === 0 ? ['--allow-root'] : [];
const lab = spawn(join(venv, 'bin', 'jupyter-lab'), [`--ServerApp.root_dir=${root}`, ...asRoot, ...args, ...notebook], {
  cwd: root,
  env: jupyterEnv,
  stdio: 'inherit',
});
// Ctrl+C reaches JupyterLab by itself; it asks back, so it must outlive us no longer than it wants to.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => lab.kill('SIGTERM'));
lab.on('close', (code) => process.exit(code ?? 1));
