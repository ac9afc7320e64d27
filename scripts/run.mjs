// Runs the programs that set-up needs, keeps what they print in a log, and turns failures into one sentence.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { log, root, scratch } from './paths.mjs';

/** A failure that the user can mend: the message is all that is shown. */
export class SetupError extends Error {}

/** What every program of set-up gets: nothing is cached, installed or left outside the project folder. */
const environment = () => ({
  ...process.env,
  TMPDIR: scratch,
  PIP_NO_CACHE_DIR: '1',
  PIP_USER: '0',
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  PYTHONHOME: undefined,
  PYTHONPATH: undefined,
});

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, onLine?: (line: string) => void, isSetUp?: boolean }} [options] isSetUp: whether it
 *   prepares the machine, so that what it fails of has the known remedies; default: true
 * @returns {Promise<string>} what it printed
 * @throws {SetupError} when it can't be started or ends with an error
 */
export function run(command, args, { env = {}, onLine = () => {}, isSetUp = true } = {}) {
  appendFileSync(log, `\n$ ${command} ${args.join(' ')}\n`);
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const take = (chunk) => {
      output += chunk;
      chunk.split('\n').forEach(onLine);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', (error) => fail(new SetupError(`${command} could not be started: ${error.message}.`)));
    child.on('close', (code, signal) => {
      appendFileSync(log, output.replace(/^Progress \d.*\n/gm, ''));
      if (code === 0) return done(output);
      const ending = output.trim().slice(-4000);
      const lines = ending.split('\n').slice(-3).join('\n  ');
      fail(
        new SetupError(
          (isSetUp && explain(ending)) ||
            `${command} failed (${code ?? signal}):\n  ${lines}\nAll that it printed is in ${log}.`,
        ),
      );
    });
  });
}

/**
 * One sentence for failures with a known remedy, else null.
 * @param {string} output what a failed program printed, or an error's message
 */
export function explain(output) {
  const known = causes.find(({ pattern }) => pattern.test(output));
  if (!known) return null;
  const { pattern, sentence } = known;
  return `${typeof sentence === 'string' ? sentence : sentence(pathAt(pattern, output))}, then run the command again.`;
}

/** The first path in quotation marks on a line that `pattern` fits. */
const pathAt = (pattern, output) =>
  output.split('\n').flatMap((line) => (pattern.test(line) ? (/['"](\/.+?)['"]/.exec(line)?.[1] ?? []) : []))[0];

/** @param {string} [path] what could not be written, where it is known */
function notWritable(path = root) {
  const isOurs = path === root || path.startsWith(`${root}/`);
  const [what, remedy] = isOurs ? [`The project folder (${root})`, ', or copy it to a folder of your own'] : [path, ''];
  return `${what} can't be written to: check its owner and permissions${remedy}`;
}

const causes = [
  {
    pattern: /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/i,
    sentence: 'The disk is full: free some space',
  },
  {
    pattern: /EROFS|EACCES|EPERM|Read-only file system|Permission denied/i,
    sentence: notWritable,
  },
  {
    pattern:
      /CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY)|DEPTH_ZERO_SELF_SIGNED|CERT_HAS_EXPIRED/i,
    sentence:
      "A package registry's certificate was not trusted: check the clock; if a proxy inspects your traffic, set NODE_EXTRA_CA_CERTS and PIP_CERT to its certificate",
  },
  {
    pattern:
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|network timeout|NewConnectionError|ConnectTimeout|ReadTimeout|ConnectionError|ProxyError|IncompleteRead|name resolution/i,
    sentence: 'A package registry could not be reached: check the network (behind a proxy, set HTTPS_PROXY)',
  },
];
