// What JupyterLab needs of us: the TypeScript kernel, the chart extension, settings, and an environment.
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fromShell, root, state, venv } from './paths.mjs';
import { writeAtomically } from './stamp.mjs';

const share = join(venv, 'share', 'jupyter');
/** Where Jupyter looks for settings. */
export const config = join(venv, 'etc', 'jupyter');

/** The chart extension's sources. */
export const extension = join(root, 'lib', 'kernel', 'extension');

/** Where it is installed. */
export const chartExtension = join(share, 'labextensions', 'cifar10-charts');

/** Files that we write into the virtual environment: path → content. */
export const jupyterFiles = {
  [join(share, 'kernels', 'tslab', 'kernel.json')]: {
    argv: [
      process.execPath, // and not `node`: a Jupyter that was not started by npm may not have it on its PATH
      ...['--require', join(root, 'lib', 'dist', 'kernel', 'kernel.js')], // patches tslab
      join(root, 'node_modules', 'tslab', 'bin', 'tslab'),
      ...['kernel', '--config-path={connection_file}'],
    ],
    display_name: 'TypeScript',
    language: 'typescript',
  },
  [join(config, 'jupyter_server_config.json')]: {
    // jupyter_lsp looks for language servers of other languages, and starts npm to do so.
    // A browser in a sandbox of its own (snap, flatpak) can't read a file that would redirect it.
    ServerApp: { log_level: 'ERROR', jpserver_extensions: { jupyter_lsp: false }, use_redirect_file: false },
    KernelSpecManager: { ensure_native_kernel: false, allowed_kernelspecs: ['tslab'] },
    MappingKernelManager: { default_kernel_name: 'tslab' },
    // Over its limits Jupyter drops whatever comes, charts too; the kernel itself limits what a cell prints.
    ZMQChannelsWebsocketConnection: { iopub_msg_rate_limit: 0, iopub_data_rate_limit: 0 },
    // Offering extensions from PyPI asks the network.
    LabApp: { log_level: 'ERROR', extension_manager: 'readonly' },
  },
  [join(config, 'labconfig', 'page_config.json')]: {
    disabledExtensions: {
      '@jupyterlab/lsp-extension': true,
      '@jupyterlab/fileeditor-extension:language-server': true,
      '@jupyterlab/notebook-extension:language-server': true,
    },
  },
  [join(share, 'lab', 'settings', 'overrides.json')]: {
    '@jupyterlab/apputils-extension:notification': { fetchNews: 'false', checkForUpdates: false },
    // A page that is closed and opened again shows what was saved last. In seconds; the default is 120.
    '@jupyterlab/docmanager-extension:plugin': { autosaveInterval: 20 },
  },
};

/** Installs them all. */
export function installJupyterFiles() {
  for (const [file, content] of Object.entries(jupyterFiles)) {
    writeAtomically(file, `${JSON.stringify(content, null, 2)}\n`);
  }
  rmSync(chartExtension, { recursive: true, force: true });
  cpSync(extension, chartExtension, { recursive: true });
  cpSync(join(root, 'node_modules', 'plotly.js-dist', 'plotly.js'), join(chartExtension, 'static', 'plotly.js'));
}

/**
 * Environment for Jupyter: our programs first, its settings, history and run-time files in the project, and nothing that is
 * meant for another Jupyter, but for a token that the user chose.
 */
export function jupyterEnvironment() {
  const isForeign = (name) => /^(JUPYTER|JPY_)/.test(name) && !/^JUPYTER_TOKEN(_FILE)?$/.test(name);
  const { CIFAR10_DIR, CIFAR10_RUNS, PATH, ...rest } = process.env;
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !isForeign(name))),
    PATH: [join(venv, 'bin'), dirname(process.execPath), PATH].join(delimiter),
    // Notebooks run in a folder of their own.
    CIFAR10_DIR: CIFAR10_DIR && fromShell(CIFAR10_DIR),
    CIFAR10_RUNS: CIFAR10_RUNS && fromShell(CIFAR10_RUNS),
    PYTHONHOME: undefined,
    PYTHONPATH: undefined,
    JUPYTER_CONFIG_DIR: join(state, 'jupyter', 'config'),
    JUPYTER_DATA_DIR: join(state, 'jupyter', 'data'),
    JUPYTER_RUNTIME_DIR: runtimeFolder(),
    IPYTHONDIR: join(state, 'jupyter', 'ipython'),
  };
}

/**
 * Where Jupyter keeps its tokens and its kernels' keys. It refuses to where files can't be made unreadable for others, as on
 * Windows' disks in WSL, exFAT or CIFS: there, a temporary folder is taken.
 */
function runtimeFolder() {
  const folder = join(state, 'jupyter', 'runtime');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const probe = join(folder, `.probe-${process.pid}`);
  writeFileSync(probe, '', { mode: 0o600 });
  const isPrivate = (statSync(probe).mode & 0o777) === 0o600;
  rmSync(probe);
  if (isPrivate) return folder;
  const temporary = mkdtempSync(join(tmpdir(), 'cifar10-jupyter-'));
  process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));
  return temporary;
}
