import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as ts from '@tslab/typescript-for-tslab'; // the kernel's own
import { PLOTLY, readNotebook, runCells } from '../kernel/kernel';
import { root, temporaryFolder } from '../project';

/** The course's own; not what a reader writes beside them, nor JupyterLab's copies (02-linear-Copy1.ipynb). */
const isOfCourse = (name: string) => /^\d\d-(?!.*-Copy\d)[\w-]+\.ipynb$/.test(name);

/** Whether a notebook's file names a folder of somebody's machine, not in a URL. In examples, it is /home/me. */
const namesFolder = (text: string) =>
  /(?<=\\[nrt]|file:\/\/|[^\w./:+-])\/(home\/(?!me\/)|(root|work|tmp|Users|mnt)\/)/.test(text);

test('the notebooks of the course are told from others, folders of a machine from addresses', () => {
  const files = ['01-data.ipynb', '01-data-Copy1.ipynb', '.executed-01-data.ipynb', 'Untitled.ipynb', 'mine-2.ipynb'];
  assert.deepEqual(files.filter(isOfCourse), ['01-data.ipynb']);
  for (const text of ['"/home/ada/x"', '"in /home/ada/x"', '"at:\\n/tmp/x"', '"(file:///root/x)"', "read('/mnt/c/x')"])
    assert.ok(namesFolder(text), text);
  for (const text of ['"https://example.org/home/ada"', '"data/tmp/x"', `"'/home/me/cat.jpg'"`, '"iVBOR+/tmp/"'])
    assert.ok(!namesFolder(text), text);
});

const names = readdirSync(join(root, 'notebooks')).filter(isOfCourse);

for (const name of names) {
  describe(name, () => {
    const cells = readNotebook(name);
    const code = cells.filter((cell) => cell.cell_type === 'code');

    test('runs from the first to the last cell in a real kernel, on the sample, and shows its charts and tables', (t) => {
      const folder = temporaryFolder(t);
      // What a notebook trains stays out of the project: a test begins anew.
      const sources = code.map(({ source }) =>
        source
          .replace('loadCifar10()', 'loadCifar10({ sample: true })')
          .replaceAll('../data/checkpoints', join(folder, 'checkpoints')),
      );
      assert.notDeepEqual(
        sources,
        code.map(({ source }) => source),
        'no cell loads the data',
      );
      const results = runCells(
        sources.map((code) => ({ code })),
        { env: { EPOCHS: '2', CIFAR10_RUNS: join(folder, 'runs'), TMPDIR: folder } },
      );
      for (const [i, { status, outputs }] of results.entries()) {
        assert.equal(status, 'ok', `${sources[i]}\n${outputs.map(({ text }) => text ?? '').join('')}`);
        assert.ok(!outputs.some(({ name }) => name === 'stderr'), `complains: ${JSON.stringify(outputs)}`);
        // What the committed notebook shows, a new run shows too.
        for (const type of [PLOTLY, 'image/png', 'text/html']) {
          const committed = code[i].outputs.filter(({ data }) => data?.[type] && !(type !== PLOTLY && data[PLOTLY]));
          const shown = outputs.filter(({ data }) => data?.[type]);
          assert.equal(shown.length, committed.length, `${type} of the cell\n${sources[i]}`);
        }
      }
      assert.equal(results.length, sources.length);
    });

    test('type-checks against the library, its solutions too', () => {
      assert.deepEqual(typeErrors(join(root, 'notebooks', name.replace('.ipynb', '.ts')), asModule(cells)), []);
    });

    test('is committed with the outputs of a run on all images, each chart with its image, without folders of a machine', () => {
      const text = readFileSync(join(root, 'notebooks', name), 'utf8');
      const line = text.split('\n').find(namesFolder);
      assert.ok(line === undefined, `names a folder of a machine: ${line?.slice(0, 500)}`);
      for (const { source, outputs } of code) {
        for (const { data } of outputs)
          if (data?.[PLOTLY]) assert.ok(data['image/png'], `no image beside the chart of\n${source}`);
      }
      const charts = code.flatMap(({ outputs }) => outputs).filter(({ data }) => data?.[PLOTLY]);
      assert.ok(charts.length > 0, 'no outputs: npm run notebooks makes them');
    });
  });
}

/** All cells as one module; what is folded away as a solution in a block of its own, so that names can be used again. */
function asModule(cells: ReturnType<typeof readNotebook>): string {
  const blocks = cells.map(({ cell_type, source }) => {
    if (cell_type === 'code') return source;
    return [...source.matchAll(/```ts\n(.*?)```/gs)].map(([, solution]) => `{\n${solution}\n}`).join('\n');
  });
  return `${blocks.join('\n')}\nexport {};`;
}

function typeErrors(file: string, code: string): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ES2022,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    esModuleInterop: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => name === file || disk.fileExists(name),
    getSourceFile: (name, version) =>
      name === file ? ts.createSourceFile(name, code, version) : disk.getSourceFile(name, version),
  };
  const program = ts.createProgram([file], options, host);
  const diagnostics = program.getSemanticDiagnostics().concat(program.getSyntacticDiagnostics());
  return diagnostics.map(({ messageText, start, file }) => {
    const line = file && start !== undefined ? file.text.slice(start).split('\n')[0] : '';
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}
