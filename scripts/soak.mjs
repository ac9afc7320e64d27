// npm run soak: the long forms of the tests of faults, in test/soak. npm run soak -- NAME … runs only
// files with one of these in their names.
import { join } from 'node:path';
import { root } from './paths.mjs';
import { compile, runOrExit } from './run.mjs';
import { setUpOrExit } from './setup.mjs';
import { findTests, runTestFiles, setTestEnvironment } from './test-files.mjs';

await setUpOrExit();
await runOrExit(() => compile(root));
const files = findTests('soak', process.argv.slice(2)).map((name) =>
  join(root, 'test', 'dist', 'soak', name.replace(/ts$/, 'js')),
);
setTestEnvironment();
const { passed, failed, skipped } = await runTestFiles(files, { concurrency: 1, limit: 3600 });
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
