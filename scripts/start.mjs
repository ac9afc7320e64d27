// npm start: sets up what is missing, then opens JupyterLab. Arguments go to JupyterLab: npm start -- --no-browser --port 8899
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { config, jupyterEnvironment } from './jupyter.mjs';
import { fromShell, python, root, venv } from './paths.mjs';
import { runOrExit, SetupError } from './run.mjs';
import { setUpOrExit } from './setup.mjs';

const args = process.argv.slice(2);
let page;
await runOrExit(() => {
  takeFlagsFromNpm(args, process.env);
  page = `lab/tree/${takeNotebook(args) ?? 'notebooks/01-data.ipynb'}`;
});
await setUpOrExit();

const options = [
  `--ServerApp.root_dir=${root}`,
  `--LabApp.default_url=/${page}`,
  // JupyterLab refuses to run as root, which is what one is in a container.
  ...(process.getuid() === 0 ? ['--allow-root'] : []),
];
const env = jupyterEnvironment();
// Seen from the project folder: Jupyter takes a $ in a path of settings for a variable's name.
env.JUPYTER_CONFIG_PATH = relative(root, config);
const runtime = env.JUPYTER_RUNTIME_DIR;
// JupyterLab prints its address only with a token of its own making, and not with one that the user chose, or a password. We
// make the token, and always print the address.
const token = randomBytes(24).toString('hex');
const tokenFile = join(runtime, `token-${process.pid}`);
if (!env.JUPYTER_TOKEN && !env.JUPYTER_TOKEN_FILE) {
  writeFileSync(tokenFile, token, { mode: 0o600 });
  env.JUPYTER_TOKEN_FILE = tokenFile;
}
console.log('Opening JupyterLab. Its address is below; Ctrl+C here ends it.');
// By way of Python: the script's first line misleads a shell where there is a $ in the folder's name.
const program = [join(venv, 'bin', 'jupyter-lab'), ...options, ...args];
const lab = spawn(python, program, { cwd: root, env, stdio: 'inherit' });
// Ctrl+C reaches JupyterLab by itself, and it may ask back: we stay until it ends.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => lab.kill('SIGTERM'));
process.on('exit', () => rmSync(tokenFile, { force: true }));
lab.on('close', (code) => process.exit(code ?? 1));
const file = join(runtime, `jpserver-${lab.pid}.json`);
rmSync(file, { force: true }); // of an earlier process with this number, which was killed
const server = await serverInformation(file);
for (const address of addresses(server)) console.log(address);

/** What was meant for JupyterLab, where there was no `--` before it: npm takes it, and hands it on as a setting. */
function takeFlagsFromNpm(args, { npm_config_browser: browser, npm_config_port: port, npm_config_ip: ip }) {
  // Of `--no-browser --port 8899` npm leaves nothing but the number; of `--port 8899` that, and the setting `true`.
  if (/^\d+$/.test(args[0])) args.unshift(`--port=${args.shift()}`);
  else if (/^\d+$/.test(port)) args.unshift(`--port=${port}`);
  if (ip === 'true') args.unshift(`--ip=${args.splice(args[0]?.startsWith('--port') ? 1 : 0, 1)}`);
  else if (ip) args.unshift(`--ip=${ip}`);
  if (['', 'true', 'false'].includes(browser)) args.unshift('--no-browser');
}

/** The notebook to open, if one is among the arguments, as a path in the project folder, encoded for an address. */
function takeNotebook(args) {
  const at = args.findIndex((arg) => /^[^-].*\.ipynb$/.test(arg) && !arg.startsWith('/lab/'));
  if (at < 0) return undefined;
  const [name] = args.splice(at, 1);
  const path = [fromShell(name), join(root, name), join(root, 'notebooks', name)].find((path) => existsSync(path));
  if (!path) throw new SetupError(`There is no notebook ${name}, seen from ${fromShell('.')} or from ${root}.`);
  const inside = relative(root, path);
  if (inside.startsWith('..')) {
    throw new SetupError(
      `${path} is outside the project folder (${root}), the only one that JupyterLab shows: copy it.`,
    );
  }
  return inside.split('/').map(encodeURIComponent).join('/');
}

/** What JupyterLab writes about itself as soon as it listens. */
async function serverInformation(file) {
  for (;;) {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      await sleep(100); // not there yet, or not in full
    }
  }
}

function addresses({ hostname: host, port, sock, secure, base_url: base, token: its }) {
  if (sock) return [`JupyterLab listens on ${sock}.`];
  const query = its === token ? `?token=${token}` : ''; // one that the user chose is not printed: the page asks for it
  const isAnywhere = ['', '*', '0.0.0.0', '::'].includes(host);
  const hosts = isAnywhere ? ['127.0.0.1', hostname()] : [host === 'localhost' ? '127.0.0.1' : host];
  return hosts
    .map((host) => (host.includes(':') ? `[${host}]` : host))
    .map((host) => `http${secure ? 's' : ''}://${host}:${port}${base}${page}${query}`);
}
