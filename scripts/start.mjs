// npm start: sets up what is missing, then opens JupyterLab. Arguments go to JupyterLab: npm start -- --no-browser --port 8899
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { jupyterEnv, root, venv } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();

const options = [
  `--ServerApp.root_dir=${root}`,
  '--LabApp.default_url=/lab/tree/notebooks/01-data.ipynb',
  // JupyterLab refuses to run as root, which is what one is in a container.
  ...(process.getuid() === 0 ? ['--allow-root'] : []),
];
console.log('Opening JupyterLab. Its address is below; Ctrl+C here ends it.');
const lab = spawn(join(venv, 'bin', 'jupyter-lab'), [...options, ...process.argv.slice(2)], {
  cwd: root,
  env: jupyterEnv,
  stdio: 'inherit',
});
// Ctrl+C reaches JupyterLab by itself, and it may ask back: we stay until it ends.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => lab.kill('SIGTERM'));
lab.on('close', (code) => process.exit(code ?? 1));
