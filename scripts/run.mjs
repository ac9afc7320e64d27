// Runs the programs that set-up needs, keeps what they print in a log, and turns failures into one sentence.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockDescriptors } from './lock.mjs';
import { log, root, scratch } from './paths.mjs';

/** A failure that the user can fix: the message is all that is shown. */
export class SetupError extends Error {
  /** Whether something outside the project folder could not be written to. */
  isOutside = false;
}

/** Runs `body`; a SetupError is printed, and ends the process. */
export async function runOrExit(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** What every program of set-up gets. */
const environment = () => ({ ...process.env, TMPDIR: scratch, PYTHONHOME: undefined, PYTHONPATH: undefined });

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, onLine?: (line: string) => void, isSetUp?: boolean }} [options] isSetUp: whether it
 *   prepares the machine, so that what it fails of has the known remedies; default: true
 * @returns {Promise<string>} what it printed
 * @throws {SetupError} when it can't be started or ends with an error
 */
export function run(command, args, { cwd = root, env = {}, onLine = () => {}, isSetUp = true } = {}) {
  keep(`\n$ ${command} ${args.join(' ')}\n`);
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...lockDescriptors()],
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
      const error = new SetupError(known ?? `${command} failed (${code ?? signal}):\n  ${lines}\n${rest}`);
      error.isOutside = isOutside(deniedPath(ending));
      fail(error);
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
  const cause = causes.find(({ pattern }) => pattern.test(output));
  if (!cause) return null;
  const { sentence } = cause;
  return `${typeof sentence === 'string' ? sentence : sentence(output)}, then run the command again.`;
}

/** What a program was not allowed to write to, where it says so: in quotation marks on the line of the error, or in npm's way. */
function deniedPath(output) {
  const lines = output.split('\n').filter((line) => DENIED.test(line));
  const quoted = lines.map((line) => /['"](\/.*?)['"]/.exec(line)?.[1]).find(Boolean);
  return quoted ?? (lines.length > 0 ? /^npm \S+ path (\/.*)$/m.exec(output)?.[1] : undefined);
}

const isOutside = (path) => path !== undefined && path !== root && !path.startsWith(`${root}/`);

function notWritable(output) {
  const path = deniedPath(output);
  const remedy = 'check its owner and permissions';
  if (isOutside(path)) return `${path} can't be written to: ${remedy}`;
  return `The project folder (${root}) can't be written to: ${remedy}, or copy it to a folder of your own`;
}

const DENIED = /\b(EROFS|EACCES|EPERM)\b|Read-only file system|Permission denied/i;

/** Codes and names of errors as whole words: EROFS is in “numberOfSteps”, too. */
const causes = [
  {
    pattern: /\b(ENOSPC|EDQUOT)\b|No space left on device|Disk quota exceeded/i,
    sentence: 'The disk is full: free some space',
  },
  { pattern: DENIED, sentence: notWritable },
  {
    pattern:
      /CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|\bUNABLE_TO_(GET_ISSUER|VERIFY)|\bCERT_HAS_EXPIRED\b|certificate verify failed|self[- ]signed certificate/i,
    sentence:
      "A package registry's certificate was not trusted: check the clock; if a proxy inspects your traffic, set NODE_EXTRA_CA_CERTS and PIP_CERT to its certificate",
  },
  {
    pattern: /Missing dependencies for SOCKS support/,
    sentence:
      'pip is told to use a SOCKS proxy, which it cannot: set HTTPS_PROXY to an HTTP proxy (http://…), and unset ALL_PROXY and PIP_PROXY',
  },
  {
    pattern:
      /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|E407|(New|)ConnectionError|Connection(Reset|Refused)Error|NameResolutionError|(Connect|Read)Timeout(Error|)|ProxyError|IncompleteRead)\b|network timeout|socket timeout|name resolution|Name or service not known|Network is unreachable/i,
    sentence: 'A package registry could not be reached: check the network (behind a proxy, set HTTPS_PROXY)',
  },
];
