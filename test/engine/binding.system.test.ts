import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyProject, plainEnvironment, root, startNode, temporaryFolder } from '../project';

const device = existsSync(join(root, '.setup', 'tensorflow', 'cpu')) ? 'cpu' : 'gpu';

test("without a compiler, Zig's makes a binding that loads and computes", async (t) => {
  const folder = temporaryFolder(t);
  copyProject(folder, ['node_modules', '.venv', '.setup/tensorflow']);
  // A copy of the two packages around the binding; all else that they need is found by NODE_PATH.
  const packages = join(folder, 'packages', 'node_modules', '@tensorflow');
  const binding = join(packages, 'tfjs-node-gpu', 'lib', 'napi-v8');
  cpSync(join(root, 'node_modules', '@tensorflow', 'tfjs-node-gpu'), join(packages, 'tfjs-node-gpu'), {
    recursive: true,
    filter: (path) => !path.endsWith('napi-v8'),
  });
  cpSync(join(root, 'lib', 'engine', 'native'), join(packages, 'tfjs-node'), { recursive: true });

  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const library = join(folder, '.setup', 'tensorflow', device);
  const compile = `import('./scripts/binding.mjs')
    .then((m) => m.compileBinding(${JSON.stringify(binding)}, ${JSON.stringify(library)}, 'no-such-compiler'))`;
  const { code, output } = await startNode(['-e', compile], { cwd: folder, env: plainEnvironment({ PATH: empty }) })
    .ended;
  assert.equal(code, 0, output);
  assert.deepEqual(readdirSync(binding).sort(), ['native.node', 'tfjs_binding.node']);
  assert.deepEqual(readdirSync(join(folder, '.setup', 'tmp')), [], 'Zig and its caches are gone');

  const compute = `
    const tf = require('@tensorflow/tfjs-node');
    const x = tf.tensor([[1, 2], [3, 4]]);
    const file = Object.keys(require.cache).find((name) => name.endsWith('tfjs_binding.node'));
    console.log(file, x.matMul(x).dataSync().join());`;
  const env = plainEnvironment({ NODE_PATH: join(root, 'node_modules') });
  const result = execFileSync(process.execPath, ['-e', compute], {
    cwd: join(folder, 'packages'),
    env,
    encoding: 'utf8',
  });
  assert.equal(result, `${join(binding, 'tfjs_binding.node')} 7,10,15,22\n`);
});
