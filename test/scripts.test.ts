import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { plainEnvironment, root } from './project';

/** What an expression over a module in scripts/ gives; the scripts are ES modules, and these tests are not. */
function evaluate(module: string, expression: string): unknown {
  const script = `import('./scripts/${module}').then(async (m) => console.log(JSON.stringify(${expression}) ?? 'null'))`;
  const options = { cwd: root, env: plainEnvironment(), encoding: 'utf8' } as const;
  return JSON.parse(execFileSync(process.execPath, ['-e', script], options));
}

test('what may not be written to is named: the project folder, or what it is instead', () => {
  const explain = (output: string) => evaluate('run.mjs', `m.explain(${JSON.stringify(output)})`) as string;
  const npm = "npm error code EACCES\nnpm error Error: EACCES: permission denied, mkdir '/home/ada/.npm/_cacache/tmp'";
  assert.match(explain(npm), /^\/home\/ada\/\.npm\/_cacache\/tmp can't be written to: check its owner and permissions/);
  const pip = `PermissionError: [Errno 13] Permission denied: '${root}/.venv'`;
  for (const output of [pip, 'Permission denied']) {
    assert.match(explain(output), /^The project folder \(.*\) can't be written to: .* or copy it to a folder of your/);
  }
  assert.equal(evaluate('run.mjs', `m.explain('something else')`), null);
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

test('test files are chosen by several parts of their names', () => {
  const names = evaluate('test-files.mjs', `m.findTests('', ['scripts', 'kernel.'])`);
  assert.deepEqual(names, ['kernel.test.ts', 'scripts.test.ts']);
  const all = evaluate('test-files.mjs', `m.findTests('soak', [])`) as string[];
  assert.ok(all.length > 1);
});
