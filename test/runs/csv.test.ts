import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportRuns, createRun } from 'cifar10';
import { temporaryFolder } from '../project';
import { historyOf } from './runs';

test('CSV: quotation marks, commas and line breaks in names survive a round trip; validation has columns where there is one', (t) => {
  const name = 'a "good", long\r\nname';
  const { epochs } = historyOf(0.5, 0.75);
  const validated = epochs.map((epoch) => ({ ...epoch, validation: { loss: 3, accuracy: 0.125 } }));
  const runs = [
    createRun(name, { lr: 0.1, augment: { crop: 4 } }, { epochs: validated }),
    createRun('b', {}, historyOf(0.25)),
  ];
  const file = join(temporaryFolder(t), 'new', 'runs.csv');
  exportRuns(runs, file);
  assert.equal(existsSync(`${file}.part`), false);
  const [head, ...lines] = parseCsv(readFileSync(file, 'utf8'));
  assert.deepEqual(head, [
    ...['run', 'lr', 'augment.crop', 'augment.flip', 'epoch', 'training loss', 'training accuracy', 'test loss'],
    ...['test accuracy', 'validation loss', 'validation accuracy', 'seconds'],
  ]);
  assert.deepEqual(lines, [
    [name, '0.1', '4', 'false', '1', '1', '0.75', '2', '0.5', '3', '0.125', '1.5'],
    [name, '0.1', '4', 'false', '2', '1', '1', '2', '0.75', '3', '0.125', '1.5'],
    ['b', '0.1', '0', 'false', '1', '1', '0.5', '2', '0.25', '', '', '1.5'],
  ]);
});

/** RFC 4180, read by its grammar. */
function parseCsv(text: string): string[][] {
  const fields = [...text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy)];
  assert.equal(fields.map(([all]) => all).join(''), text, 'every character belongs to a field');
  const lines: string[][] = [[]];
  for (const [, quoted, bare, end] of fields) {
    lines[lines.length - 1].push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === '\r\n') lines.push([]);
  }
  return lines.slice(0, -1);
}
