// Makes data/sample from a folder of the six CIFAR-10 files: node scripts/make-sample.mjs FOLDER
// Of each class, the first images of each file, in the order of the file: 6 of each training file, 20 of the test file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';

const RECORD_BYTES = 3073;
const perClass = (name) => (name === 'test_batch.bin' ? 20 : 6);

const from = process.argv[2];
if (!from) throw new Error('Name the folder of the six CIFAR-10 files: node scripts/make-sample.mjs FOLDER');
const to = join(root, 'data', 'sample');
mkdirSync(to, { recursive: true });
for (const name of [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`).concat('test_batch.bin')) {
  const bytes = readFileSync(join(from, name));
  const taken = new Array(10).fill(0);
  const records = [];
  for (let at = 0; at < bytes.length; at += RECORD_BYTES) {
    if (taken[bytes[at]]++ < perClass(name)) records.push(bytes.subarray(at, at + RECORD_BYTES));
  }
  writeFileSync(join(to, name), Buffer.concat(records));
}
