import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyProject, plainEnvironment, root, smallDisk, startNode, temporaryFolder } from '../project';

/** What an expression over a module in scripts/ gives; the scripts are ES modules, and these tests are not. */
function evaluate(module: string, expression: string, cwd = root): unknown {
  const script = `import('./scripts/${module}').then(async (m) => console.log(JSON.stringify(${expression}) ?? 'null'))`;
  const options = { cwd, env: plainEnvironment(), encoding: 'utf8' } as const;
  return JSON.parse(execFileSync(process.execPath, ['-e', script], options));
}

test('what may not be written to is named: the project folder, or what it is instead', () => {
  const explain = (output: string) => evaluate('run.mjs', `m.explain(${JSON.stringify(output)})`) as string;
  const cache = 'npm error code EACCES\nnpm error syscall mkdir\nnpm error path /.npm\nnpm error errno EACCES';
  assert.match(explain(cache), /^\/.npm can't be written to: check its owner and permissions/);
  const npm = "npm error code EACCES\nnpm error Error: EACCES: permission denied, mkdir '/home/ada/.npm/_cacache/tmp'";
  assert.match(explain(npm), /^\/home\/ada\/\.npm\/_cacache\/tmp can't be written to: check its owner and permissions/);
  const pip = `PermissionError: [Errno 13] Permission denied: '${root}/.venv'`;
  for (const output of [pip, 'Permission denied']) {
    assert.match(explain(output), /^The project folder \(.*\) can't be written to: .* or copy it to a folder of your/);
  }
  assert.equal(evaluate('run.mjs', `m.explain('something else')`), null);
});

const DISK = 'The disk is full';
const FOLDER = 'The project folder';
const CERTIFICATE = "A package registry's certificate was not trusted";
const NETWORK = 'A package registry could not be reached';
/** What a program prints, and how the sentence begins that is told; null: none. */
const failures: [printed: string, told: string | null][] = [
  ['npm error code ENOSPC', DISK],
  ['OSError: [Errno 28] No space left on device', DISK],
  ['npm error code EROFS', FOLDER],
  ['mkdir: cannot create directory: Read-only file system', FOLDER],
  ["lib/x.ts(1,1): error TS2304: Cannot find name 'numberOfSteps'.", null],
  ['npm error code SELF_SIGNED_CERT_IN_CHAIN', CERTIFICATE],
  ['npm error code DEPTH_ZERO_SELF_SIGNED_CERT', CERTIFICATE],
  ['npm error code UNABLE_TO_GET_ISSUER_CERT_LOCALLY', CERTIFICATE],
  ['[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1006)', CERTIFICATE],
  ['npm error code ENOTFOUND', NETWORK],
  ['npm error code ERR_SOCKET_TIMEOUT\nnpm error network Socket timeout', NETWORK],
  ['npm error Socket timeout', NETWORK],
  ['npm error code E407', NETWORK],
  ["after connection broken by 'NewConnectionError(': Failed to establish a new connection", NETWORK],
  [
    "'NameResolutionError(HTTPSConnection(host=…): Failed to resolve ([Errno -2] Name or service not known)')'",
    NETWORK,
  ],
  ['[Errno -3] Temporary failure in name resolution', NETWORK],
  ['<urlopen error [Errno 101] Network is unreachable>', NETWORK],
  ["('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", NETWORK],
  ['pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.', NETWORK],
  [
    "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))",
    NETWORK,
  ],
  ['npm error code E4070', null],
  [
    'ERROR: Could not install packages due to an OSError: Missing dependencies for SOCKS support.',
    'pip is told to use a SOCKS proxy',
  ],
];

test('failures with a known remedy are told by it, others are not', () => {
  const printed = JSON.stringify(failures.map(([printed]) => printed));
  const told = evaluate('run.mjs', `${printed}.map((output) => m.explain(output))`) as (string | null)[];
  for (const [i, [printed, expected]] of failures.entries()) {
    assert.equal(told[i]?.slice(0, expected?.length) ?? null, expected, printed);
  }
});

test('an error in TypeScript’s sources is no failure of the machine', (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder);
  const bin = join(folder, 'node_modules', 'typescript', 'bin');
  mkdirSync(bin, { recursive: true });
  const error = `error TS2322: Type '"ECONNRESET"' is not assignable to type 'number'.`;
  writeFileSync(join(bin, 'tsc'), `console.log(${JSON.stringify(error)}); process.exit(2);`);
  const told = evaluate('run.mjs', `await m.compile('lib').catch((error) => error.message)`, folder) as string;
  assert.match(told, /failed \(2\):\n {2}error TS2322: Type '"ECONNRESET"'/);
});

test('a program that ends with a full disk is told so, though its log can’t be written', (t) => {
  const folder = smallDisk(t, '40m');
  if (!folder) return t.skip('only root may mount a small disk');
  copyProject(folder);
  const program = JSON.stringify('head -c 100M /dev/zero > fill 2> /dev/null; seq 9999; exit 1');
  const run = `await m.run('sh', ['-c', ${program}]).catch((error) => error.message)`;
  assert.match(evaluate('run.mjs', run, folder) as string, /^The disk is full: free some space/);
});

test('a download that is larger than told fills its bar, and no more', async () => {
  const script = `
    process.stdout.isTTY = true;
    const { reportStep } = await import('./scripts/report.mjs');
    await reportStep('Fetching', async (bar) => bar(20, 10));`;
  const { code, output } = await startNode(['--input-type=module', '-e', script], { cwd: root }).ended;
  assert.equal(code, 0, output);
  assert.match(output, /… Fetching {2}█{30} {2}/);
});

test('a cell that can’t reach its server is not told of package registries', () => {
  const failing = `['-e', 'console.error("connect ECONNREFUSED"); process.exit(1)']`;
  const message = (options: string) =>
    evaluate('run.mjs', `await m.run(process.execPath, ${failing}, ${options}).catch((error) => error.message)`);
  assert.match(message('{}') as string, /^A package registry could not be reached/);
  assert.match(message('{ isSetUp: false }') as string, /failed \(1\):\n {2}connect ECONNREFUSED/);
});

const notebook = {
  cells: [
    { cell_type: 'markdown', source: ['/tmp/x is here'], metadata: { a: 1 } },
    {
      cell_type: 'code',
      source: ['print()'],
      metadata: { time: 1 },
      outputs: [
        { output_type: 'stream', name: 'stdout', text: ['in /tmp/data\n'] },
        { output_type: 'stream', name: 'stdout', text: ['and /tmp/data/b\n', 'end'] },
        {
          output_type: 'display_data',
          data: { 'text/plain': ['/tmp/data'], 'image/png': 'abc/tmp/datadef' },
          metadata: { display_id: 'x' },
        },
      ],
    },
  ],
};
const cleaned = (home: string) =>
  evaluate(
    'outputs.mjs',
    `(() => { const n = ${JSON.stringify(notebook)};
      return [m.cleanOutputs(n, { folders: ['/tmp/data'], home: '${home}' }), n.cells[1]]; })()`,
  ) as [problem: string | null, cell: (typeof notebook.cells)[1]];

test('outputs to be committed: no folders of this machine in texts, images as they are, no times', () => {
  const [problem, { outputs, metadata }] = cleaned('/home/ada');
  assert.equal(problem, null);
  assert.deepEqual(metadata, {});
  assert.deepEqual(outputs, [
    { output_type: 'stream', name: 'stdout', text: ['in data\n', 'and data/b\n', 'end'] },
    {
      output_type: 'display_data',
      data: { 'text/plain': ['data'], 'image/png': 'abc/tmp/datadef' },
      metadata: {},
    },
  ]);
});

test('an output that names a folder of the user’s home is told, with its cell', () => {
  const home = 'data/b'; // what is left of a path that was replaced
  assert.match(cleaned(home)[0] ?? '', /names a folder below data\/b: “and data\/b”. It is of the cell\nprint\(\)/);
});
