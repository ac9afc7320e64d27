// What JupyterLab needs of us: the TypeScript kernel, the chart extension, and settings.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, venv } from './paths.mjs';
import { writeAtomically } from './stamp.mjs';

const share = join(venv, 'share', 'jupyter');
const config = join(venv, 'etc', 'jupyter');

/** The chart extension's sources. */
export const extension = join(root, 'lib', 'kernel', 'extension');

/** Files that we write into the virtual environment: path → content. */
export const jupyterFiles = {
  // `node` is found on the PATH, where `npm start` puts the one that it runs on itself.
  [join(share, 'kernels', 'tslab', 'kernel.json')]: {
    argv: [
      'node',
      ...['--require', join(root, 'lib', 'dist', 'kernel', 'kernel.js')], // mends tslab
      join(root, 'node_modules', 'tslab', 'bin', 'tslab'),
      ...['kernel', '--config-path={connection_file}'],
    ],
    display_name: 'TypeScript',
    language: 'typescript',
  },
  [join(config, 'jupyter_server_config.json')]: {
    // jupyter_lsp looks for language servers of other languages, and starts npm to do so.
    ServerApp: { log_level: 'ERROR', jpserver_extensions: { jupyter_lsp: false } },
    KernelSpecManager: { ensure_native_kernel: false, allowed_kernelspecs: ['tslab'] },
    MappingKernelManager: { default_kernel_name: 'tslab' },
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
  },
};

/** Installs them all. */
export function installJupyterFiles() {
  for (const [file, content] of Object.entries(jupyterFiles)) {
    writeAtomically(file, `${JSON.stringify(content, null, 2)}\n`);
  }
  const target = join(share, 'labextensions', 'cifar10-charts');
  rmSync(target, { recursive: true, force: true });
  cpSync(extension, target, { recursive: true });
  cpSync(join(root, 'node_modules', 'plotly.js-dist', 'plotly.js'), join(target, 'static', 'plotly.js'));
}
