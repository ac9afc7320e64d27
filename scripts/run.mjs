// Runs the programs that set-up needs, keeps what they print in a log, and turns their failures into one sentence.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { log, root } from './paths.mjs';

/** A failure that the user can mend: the message is all that is shown. */
export class SetupError extends Error {}

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string | undefined>, onLine?: (line: string) => void }} [options]
 * @returns {Promise<string>} what it printed
 * @throws {SetupError} when it can't be started or exits with an error
 */
export function run(command, args, { env = {}, onLine = () => {} } = {}) {
  appendFileSync(log, `\n$ ${command} ${args.join(' ')}\n`);
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
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
      if (code === 0) done(output);
      else fail(new SetupError(explain(command, output, code ?? signal)));
    });
  });
}

const causes = [
  {
    pattern: /ENOSPC|No space left on device/i,
    sentence: 'The disk is full: free some space (a first set-up needs about 3 GB, 9 GB with a GPU)',
  },
  {
    pattern:
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|network timeout|NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|Failed to establish a new connection|name resolution/i,
    sentence: 'The package registry could not be reached: check the network (behind a proxy, set HTTPS_PROXY)',
  },
  {
    pattern: /EACCES|EROFS|Permission denied|Read-only file system/i,
    sentence: 'A file in the project folder could not be written: check its owner and permissions',
  },
];

function explain(command, output, code) {
  const known = causes.find(({ pattern }) => pattern.test(output));
  if (known) return `${known.sentence}, then run the command again. (Details: ${log})`;
  const last = output.trim().split('\n').slice(-3).join('\n  ');
  return `${command} failed (${code}):\n  ${last}\nThe whole output is in ${log}.`;
}
