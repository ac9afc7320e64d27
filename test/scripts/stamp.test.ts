import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, startNode, temporaryFolder, until } from '../project';

const use = `import { fingerprint, isStamped, stamped, writeAtomically } from ${JSON.stringify(join(root, 'scripts', 'stamp.mjs'))};`;
const evaluate = (script: string) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', use + script], { encoding: 'utf8' }).trim();

test('a stamp holds for what it was given for, and nothing else', (t) => {
  const file = JSON.stringify(join(temporaryFolder(t), 'made', 'stamp'));
  const script = `
    console.log(isStamped(${file}, 'a'));
    await stamped(${file}, () => {}, () => 'a');
    console.log(isStamped(${file}, 'a'), isStamped(${file}, 'b'));`;
  assert.equal(evaluate(script), 'false\ntrue false');
});

test('work that fails or is killed leaves no stamp, even where there was one', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'stamp');
  writeFileSync(file, 'a');
  evaluate(`await stamped(${JSON.stringify(file)}, () => { throw new Error(); }, () => 'a').catch(() => {});`);
  assert.ok(!existsSync(file));

  writeFileSync(file, 'a');
  const script = `${use} await stamped(${JSON.stringify(file)}, () => new Promise((done) => setTimeout(done, 60_000)), () => 'a');`;
  const { child, ended } = startNode(['--input-type=module', '-e', script], {});
  await until(() => !existsSync(file), 'the old stamp to go');
  child.kill('SIGKILL');
  await ended;
  assert.deepEqual(readdirSync(folder), []);
});

test('fingerprints tell apart what is cut differently', () => {
  const script = `
    console.log(fingerprint('ab', 'c') === fingerprint('a', 'bc'), fingerprint(['a'], 'b') === fingerprint(['a', 'b']));
    console.log(fingerprint('a', { b: 1 }) === fingerprint('a', { b: 1 }));`;
  assert.equal(evaluate(script), 'false false\ntrue');
});
