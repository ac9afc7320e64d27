import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as ts from '@tslab/typescript-for-tslab'; // the kernel's own
import { PLOTLY, readNotebook, root, runCells } from './kernel';
import { temporaryFolder } from './project';

const names = readdirSync(join(root, 'notebooks')).filter((name) => name.endsWith('.ipynb'));

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
        { env: { EPOCHS: '2', CIFAR10_RUNS: join(folder, 'results.json'), TMPDIR: folder } },
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
      assert.doesNotMatch(text, /"\/(home|root|work|tmp|Users|mnt)\//);
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
