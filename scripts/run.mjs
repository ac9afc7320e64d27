// Runs the programs that set-up needs, keeps what they print in a log, and turns failures into one sentence.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { log, root, scratch } from './paths.mjs';

/** A failure that the user can mend: the message is all that is shown. */
export class SetupError extends Error {}

/** Runs `body`; where it fails of what the user can mend, says that and ends the process. */
export async function runOrExit(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

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
  keep(`\n$ ${command} ${args.join(' ')}\n`);
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
      const problem = keep(output.replace(/^Progress \d.*\n/gm, ''));
      if (code === 0) return done(output);
      const ending = output.trim().slice(-4000);
      const lines = ending.split('\n').slice(-3).join('\n  ');
      const rest = problem ? `The log could not be written: ${problem}.` : `All that it printed is in ${log}.`;
      const known = isSetUp ? explain(`${ending}\n${problem}`) : null;
      fail(new SetupError(known ?? `${command} failed (${code ?? signal}):\n  ${lines}\n${rest}`));
    });
  });
}

/** Adds to the log; gives what keeps it from that, such as a full disk, or ''. */
function keep(text) {
  try {
    appendFileSync(log, text);
    return '';
  } catch (error) {
    return error.message;
  }
}

/** Compiles a TypeScript project and those that it refers to. An error in its sources is none of the machine. */
export const compile = (folder, ...options) =>
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--build', ...options, folder], {
    isSetUp: false,
  });

/**
 * One sentence for failures with a known remedy, else null.
 * @param {string} output what a failed program printed, or an error's message
 */
export function explain(output) {
  for (const { codes, words, sentence } of causes) {
    const fits = (text) => codes.test(text) || words.test(text);
    if (!fits(output)) continue;
    const told = typeof sentence === 'string' ? sentence : sentence(pathAt(fits, output));
    return `${told}, then run the command again.`;
  }
  return null;
}

/** The first path in quotation marks on a line that fits. */
const pathAt = (fits, output) =>
  output.split('\n').flatMap((line) => (fits(line) ? (/['"](\/.+?)['"]/.exec(line)?.[1] ?? []) : []))[0];

/** @param {string} [path] what could not be written, where it is known */
function notWritable(path = root) {
  const isOurs = path === root || path.startsWith(`${root}/`);
  const [what, remedy] = isOurs ? [`The project folder (${root})`, ', or copy it to a folder of your own'] : [path, ''];
  return `${what} can't be written to: check its owner and permissions${remedy}`;
}

/** Codes and names of errors as they are written, as whole words: EROFS is in “numberOfSteps”, too. Words in any case. */
const causes = [
  {
    codes: /\b(ENOSPC|EDQUOT)\b/,
    words: /No space left on device|Disk quota exceeded/i,
    sentence: 'The disk is full: free some space',
  },
  {
    codes: /\b(EROFS|EACCES|EPERM)\b/,
    words: /Read-only file system|Permission denied/i,
    sentence: notWritable,
  },
  {
    codes: /CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|\bUNABLE_TO_(GET_ISSUER|VERIFY)|\bCERT_HAS_EXPIRED\b/,
    words: /certificate verify failed|self[- ]signed certificate/i,
    sentence:
      "A package registry's certificate was not trusted: check the clock; if a proxy inspects your traffic, set NODE_EXTRA_CA_CERTS and PIP_CERT to its certificate",
  },
  {
    codes:
      /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|E407|(New|)ConnectionError|Connection(Reset|Refused)Error|NameResolutionError|(Connect|Read)Timeout(Error|)|ProxyError|IncompleteRead)\b/,
    words: /network timeout|socket timeout|name resolution|Name or service not known|Network is unreachable/i,
    sentence: 'A package registry could not be reached: check the network (behind a proxy, set HTTPS_PROXY)',
  },
];
