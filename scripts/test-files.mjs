// Runs test files, each in a process of its own, and counts what passed and failed, crashes and hangs among them.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import { jupyterEnv, root } from './paths.mjs';

/**
 * The names of the test files in a folder, such as 'watch.test.ts'.
 * @param {string} folder below test
 * @param {string[]} wanted only those whose names contain one of these; all, if there are none
 */
export const findTests = (folder, wanted) =>
  readdirSync(join(root, 'test', folder), { recursive: true }).filter(
    (name) =>
      name.endsWith('.test.ts') &&
      (folder !== '' || !name.startsWith('soak/')) &&
      (wanted.length === 0 || wanted.some((part) => name.includes(part))),
  );

/** Sets the environment that tests are written for. */
export function setTestEnvironment() {
  for (const [name, value] of Object.entries(jupyterEnv)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  // Golden values are of float32; a GPU would multiply in TF32, with 10 bits.
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
}

/**
 * @param {string[]} files
 * @param {{ concurrency?: number, limit?: number, print?: (text: string) => void }} [options] how many at a time; after how
 *   many seconds a file is ended and counts as failed; where the results go
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function runTestFiles(files, { concurrency = 2, limit = 1800, print = console.log } = {}) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const waiting = [...files];
  const worker = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const start = performance.now();
      const results = await runFile(file, limit);
      for (const { outcome } of results) counts[outcome]++;
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      print([`\n${relative(root, file)} (${seconds} s)`, ...results.map(describe)].join('\n'));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return counts;
}

/** @returns {Promise<{ name: string, outcome: 'passed' | 'failed' | 'skipped', problem?: string }[]>} */
async function runFile(file, limit) {
  const results = [];
  const output = [];
  const stop = AbortSignal.timeout(limit * 1000);
  const add = (outcome, { name, nesting }, problem) =>
    results.push({ name: '  '.repeat(nesting) + name, outcome, problem });
  const fail = (problem) => add('failed', { name: '(the file as a whole)', nesting: 0 }, problem);
  const events = run({ files: [file], signal: stop });
  events.on('test:stdout', ({ message }) => output.push(message));
  events.on('test:stderr', ({ message }) => output.push(message));
  events.on('test:pass', (test) => {
    // Of a suite that is skipped, none of its tests is told.
    if (test.skip !== undefined) add('skipped', test, reasonOf(test.skip));
    else if (test.details.type !== 'suite' && test.name !== file) add('passed', test);
  });
  events.on('test:fail', (test) => {
    const { error } = test.details;
    // What failed below it is counted already.
    if (error?.failureType === 'subtestsFailed') return;
    if (test.todo !== undefined) add('skipped', test, reasonOf(test.todo));
    else if (test.name === file) fail(stop.aborted ? `still ran after ${limit} s` : describeEnd(error, output));
    else add('failed', test, inspect(error?.cause ?? error));
  });
  await new Promise((done) => events.on('end', done).resume());
  if (results.length === 0) fail('ended before any of its tests');
  return results;
}

/** The text given with a test that is skipped or still to do, where there is one. */
const reasonOf = (given) => (typeof given === 'string' ? given : '');

const describeEnd = (error, output) =>
  `${output.join('')}\nended by ${error?.signal ?? `exit code ${error?.exitCode}`}`.trim();

const marks = { passed: '✓', failed: '✗', skipped: '–' };

function describe({ name, outcome, problem }) {
  return `  ${marks[outcome]} ${name}${problem ? `\n${problem.trimEnd().replace(/^/gm, '      ')}` : ''}`;
}
