import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  compare,
  cosine,
  type EpochRecord,
  exportRuns,
  type Figure,
  loadRuns,
  lookBook,
  namedRun,
  recordedRun,
  recordedRuns,
  type Run,
  runColors,
  runCurves,
  runsToCsv,
  saveRun,
  scoreOfRun,
} from 'cifar10';
import { smallDisk, temporaryFolder } from './project';

/** Epochs with these test accuracies; training is 0.25 better. */
const historyOf = (...accuracies: number[]) => ({
  stopped: false,
  epochs: accuracies.map((accuracy, i): EpochRecord => {
    const common = { type: 'epoch', epochs: accuracies.length, lr: 0.1, imagesPerSecond: 1 } as const;
    const scores = { train: { loss: 1, accuracy: accuracy + 0.25 }, test: { loss: 2, accuracy } };
    return { ...common, epoch: i + 1, ...scores, seconds: 1.5 };
  }),
});
const none = historyOf();

interface Trace {
  name: string;
  x: number[];
  y: number[];
  xaxis: string;
  line: { dash: string; color: string };
  marker?: { symbol: string };
}
const traces = ({ data }: Figure) => (data as Trace[]).filter(({ xaxis }) => xaxis);
const rowsOf = (runs: Run[]) => {
  const { table } = compare(runs);
  return (table.values as unknown[][]).map((row) => Object.fromEntries(row.map((cell, i) => [table.columns[i], cell])));
};

test('a run keeps what decides how it goes, a schedule as its text; and is the same after it was saved and loaded', (t) => {
  const dir = temporaryFolder(t);
  const options = { lr: cosine(0.1), momentum: 0.9, augment: { crop: 4 }, signal: new AbortController().signal };
  const run = namedRun('a cosine', { ...options, checkpoint: { dir: 'x' }, widths: [1, 2] }, historyOf(0.5, 0.25));
  assert.deepEqual(Object.keys(run.options), ['lr', 'momentum', 'augment', 'widths']);
  assert.equal(run.options.lr, 'cosine(0.1, { end: 0 })');
  assert.deepEqual(Object.keys(run.epochs[0]), ['epoch', 'train', 'test', 'seconds']);
  const file = saveRun(run, { dir });
  assert.match(file, /a-cosine-[0-9a-f]{8}\.json$/);
  assert.deepEqual(loadRuns({ dir }), [run]);
  assert.throws(() => namedRun(' ', {}, none), /name of a run is " "; expected a text/);
});

test('each name has a file of its own, whatever is in it; the same name takes the place of the earlier run', (t) => {
  const dir = join(temporaryFolder(t), 'new', 'folder');
  const names = ['a b', 'a-b', 'A b', '../up', '/', '…', 'x'.repeat(500), 'line\nbreak'];
  for (const name of names) saveRun(namedRun(name, {}, historyOf(0.1)), { dir });
  saveRun(namedRun('a b', { lr: 1 }, historyOf(0.9)), { dir });
  const runs = loadRuns({ dir });
  assert.deepEqual(runs.map(({ name }) => name).sort(), [...names].sort());
  assert.equal(runs.find(({ name }) => name === 'a b')!.epochs[0].test.accuracy, 0.9);
  assert.equal(readdirSync(dir).length, names.length);
});

test('files that hold no run are named with what is wrong, and the others are read', (t) => {
  const dir = temporaryFolder(t);
  saveRun(namedRun('good', {}, historyOf(0.5)), { dir });
  const score = { loss: 1, accuracy: 1 };
  const wrong: Record<string, [content: string, says: RegExp]> = {
    'cut.json': ['{"name": "cut", "hist', /cut\.json holds no run and was left out: .*JSON/],
    'list.json': ['[1, 2]', /list\.json .*: the content is no object\./],
    'null.json': ['null', /null\.json .*: the content is no object\./],
    'foreign.json': ['{"dependencies": {}}', /foreign\.json .*: there is no list history\./],
    'nameless.json': ['{"history": [], "options": {}}', /nameless\.json .*: there is no name\./],
    'epoch.json': [
      JSON.stringify({ name: 'x', options: {}, history: [{ epoch: 1, train: score, seconds: 1 }] }),
      /epoch\.json .*: test of entry 1 is missing\./,
    ],
    'number.json': [
      JSON.stringify({
        name: 'x',
        options: {},
        history: [{ epoch: 1, train: score, test: { loss: 1, accuracy: '1' }, seconds: 1 }],
      }),
      /number\.json .*: accuracy of test of entry 1 is no number\./,
    ],
  };
  for (const [name, [content]] of Object.entries(wrong)) writeFileSync(join(dir, name), content);
  mkdirSync(join(dir, 'folder.json'));
  writeFileSync(join(dir, 'notes.txt'), 'not looked at');
  const said: string[] = [];
  const runs = loadRuns({ dir, onMessage: (line) => said.push(line) });
  assert.deepEqual(
    runs.map(({ name }) => name),
    ['good'],
  );
  assert.equal(said.length, Object.keys(wrong).length + 1);
  for (const [, says] of Object.values(wrong))
    assert.ok(
      said.some((line) => says.test(line)),
      `${says} not in ${said.join('\n')}`,
    );
  assert.deepEqual(loadRuns({ dir: join(dir, 'nowhere') }), []);
});

test('a run that could not be loaded again is not saved, and the one that was there stays', (t) => {
  const dir = temporaryFolder(t);
  const before = namedRun('run', {}, historyOf(0.5));
  saveRun(before, { dir });
  assert.throws(() => saveRun(namedRun('run', {}, historyOf(0.5, NaN)), { dir }), {
    name: 'RangeError',
    message: /“run” can't be saved: accuracy of train of entry 2 is no number/,
  });
  assert.deepEqual(loadRuns({ dir }), [before]);
});

test('a full disk is said, and the run that was there stays', (t) => {
  const dir = smallDisk(t, '64k');
  if (!dir) return t.skip('this user may not make a small disk');
  const before = namedRun('run', {}, historyOf(0.5));
  saveRun(before, { dir });
  const large = namedRun('run', {}, historyOf(...new Array<number>(3000).fill(0.1)));
  assert.throws(() => saveRun(large, { dir }), /disk is full/);
  assert.deepEqual(loadRuns({ dir }), [before]);
});

test('the recorded runs come in the order of the story, and as references for other curves', (t) => {
  const dir = temporaryFolder(t);
  const history = historyOf(0.5, 0.75).epochs;
  for (const experiment of ['deep', 'linear', 'another', 'augmented']) {
    const run = { experiment, seed: 0, epochs: 2, options: { lr: 0.1 }, precision: 'float32', history };
    writeFileSync(join(dir, `${experiment}-0.json`), JSON.stringify(run));
  }
  writeFileSync(join(dir, 'linear-7.json'), JSON.stringify({ experiment: 'linear', seed: 7, options: {}, history }));
  assert.deepEqual(
    recordedRuns(undefined, { dir }).map(({ name }) => name),
    ['linear (recorded)', 'linear (recorded, seed 7)', 'augmented (recorded)', 'deep (recorded)', 'another (recorded)'],
  );
  const [reference, second] = recordedRun('linear', { dir });
  assert.deepEqual([reference.name, second.name], ['linear (recorded)', 'linear (recorded, seed 7)']);
  assert.deepEqual(
    reference.points.map(({ test }) => test.accuracy),
    [0.5, 0.75],
  );
  assert.deepEqual(recordedRun('shallow', { dir }), [], 'nothing is recorded, nothing is said');
  assert.deepEqual(recordedRuns(['deep', 'shallow'], { dir }).length, 1);
});

test('the linear run that comes with the project is there: 55.01 % at best, in epoch 58', () => {
  const [linear] = recordedRuns(['linear']);
  const { best, bestEpoch, last, epochs } = scoreOfRun(linear);
  assert.deepEqual([best, bestEpoch, last, epochs], [0.5501, 58, 0.5443, 100]);
});

test('the table has the options that differ, defaults filled in, and what came of each run', () => {
  const rows = rowsOf([
    namedRun('a', { lr: 0.1, batchSize: 64, seed: 1 }, historyOf(0.5, 0.75, 0.625)),
    namedRun('b', { lr: 0.1, batchSize: 64, momentum: 0, seed: 1, augment: { flip: true } }, historyOf(0.25)),
  ]);
  assert.deepEqual(rows, [
    {
      run: 'a',
      'augment.flip': 'no',
      epochs: 3,
      'best test (%)': 75,
      'best epoch': 2,
      'last test (%)': 62.5,
      'gap (points)': 25,
      seconds: 5,
    },
    {
      run: 'b',
      'augment.flip': 'yes',
      epochs: 1,
      'best test (%)': 25,
      'best epoch': 1,
      'last test (%)': 25,
      'gap (points)': 25,
      seconds: 2,
    },
  ]);
});

test('where nothing else was given, Adam’s momentum is 0.9', () => {
  const rows = rowsOf([
    namedRun('a', { optimizer: 'adam', momentum: undefined }, historyOf(0.5)),
    namedRun('b', { optimizer: 'adam', momentum: 0.8 }, historyOf(0.5)),
    namedRun('c', { optimizer: 'sgd' }, historyOf(0.5)),
  ]);
  assert.deepEqual(
    rows.map(({ momentum }) => Number(momentum)),
    [0.9, 0.8, 0],
  );
});

test('options that only some runs have, and values of several kinds, stand in one column', () => {
  const rows = rowsOf([
    namedRun('a', { lr: cosine(0.1), widths: [8, 8], augment: () => ({ crop: 4 }) }, historyOf(0.5)),
    namedRun('b', { lr: 0.1, augment: { crop: 2 } }, historyOf(0.5)),
  ]);
  assert.deepEqual(
    rows.map(({ widths }) => widths),
    ['8, 8', '–'],
  );
  assert.match(String(rows[0].augment), /crop: 4/);
  assert.deepEqual([rows[1].augment, rows[0]['augment.crop'], Number(rows[1]['augment.crop'])], ['–', '–', 2]);
  assert.equal(rows[0].lr, 'cosine(0.1, { end: 0 })');
  assert.equal(Number(rows[1].lr), 0.1);
});

test('options that are named as a column are beside it', () => {
  const options = [1, 2].map((seconds) => ({ seconds, run: 'x', epoch: 7 }));
  const [one, two] = options.map((own, index) => namedRun(`run ${index}`, own, historyOf(0.5)));
  const rows = rowsOf([one, two]).map((row) => [row.run, row['seconds (option)'], row.seconds]);
  assert.deepEqual(rows, [
    ['run 0', 1, 2],
    ['run 1', 2, 2],
  ]);
  const [head, first] = runsToCsv([one]).split('\r\n');
  const names = head.split(',');
  assert.equal(new Set(names).size, names.length);
  assert.equal(first.split(',')[names.indexOf('epoch (option)')], '7');
});

test('a run that was stopped before its first epoch has a row, a legend entry, a file and a line', (t) => {
  const dir = temporaryFolder(t);
  const stopped = namedRun('stopped', { lr: 1 }, none);
  saveRun(stopped, { dir });
  assert.deepEqual(loadRuns({ dir }), [stopped]);
  const { figure } = compare([stopped]);
  assert.ok(traces(figure).some(({ name, x }) => name === 'stopped' && x.length === 0));
  const [, row] = rowsOf([namedRun('a', { lr: 1 }, historyOf(0.5)), stopped]);
  assert.equal(row.epochs, 0);
  assert.ok(Number.isNaN(row['best test (%)']));
  assert.equal(runsToCsv([stopped]).split('\r\n')[1], 'stopped,1,,,,,,');
});

test('no runs, or two of one name, are refused', () => {
  assert.throws(() => compare([]), /no runs to compare/);
  const run = namedRun('twin', {}, historyOf(0.5));
  assert.throws(() => compare([run, run]), /Two runs are named “twin”/);
});

test('a run keeps its colour whichever others are drawn beside it, and no two look the same', () => {
  const looks = lookBook();
  const runs = Array.from({ length: 20 }, (_, i) => namedRun(`run ${i}`, {}, historyOf(0.5)));
  const appearance = ({ figure }: { figure: Figure }) =>
    new Map(
      traces(figure)
        .filter(({ marker }) => marker)
        .map(({ name, line, marker }) => [name, `${line.color} ${marker!.symbol}`]),
    );
  const first = appearance(compare([runs[3], runs[0]], { looks }));
  const all = appearance(compare(runs, { looks }));
  assert.equal(new Set(all.values()).size, 20);
  for (const [name, look] of first) assert.equal(all.get(name), look);
  const few = appearance(compare([runs[17], runs[5]], { looks }));
  for (const [name, look] of few) assert.equal(all.get(name), look);
});

test('runs that first appear together have different colours, as long as there are enough', () => {
  const looks = lookBook();
  const colorsOf = (names: string[]) => looks.looksOf(names).map((look) => runColors[look % runColors.length]);
  const [old] = colorsOf(['old']);
  for (let i = 0; i < 30; i++) {
    const colors = colorsOf(['old', ...Array.from({ length: runColors.length - 1 }, (_, k) => `${i} ${k}`)]);
    assert.equal(new Set(colors).size, runColors.length);
    assert.equal(colors[0], old);
  }
});

test('the figure: accuracy in percent beside loss, test solid with markers, training dotted, one legend entry a run', () => {
  const [{ epochs: points }] = [namedRun('a', {}, historyOf(0.5, 0.75))];
  const figure = runCurves([{ name: 'a', points, look: 0 }]);
  assert.deepEqual(
    traces(figure).map(({ xaxis, y, line, marker }) => [xaxis, y, line.dash, marker !== undefined]),
    [
      ['x', [75, 100], 'dot', false],
      ['x', [50, 75], 'solid', true],
      ['x2', [1, 1], 'dot', false],
      ['x2', [2, 2], 'solid', true],
    ],
  );
  const legend = (figure.data as { name: string; showlegend?: boolean }[]).filter(
    ({ showlegend = true }) => showlegend,
  );
  assert.deepEqual(
    legend.map(({ name }) => name),
    ['a', 'test', 'training'],
  );
});

test('CSV: quotation marks, commas and line breaks in names survive a round trip; validation has columns where there is one', (t) => {
  const name = 'a "good", long\r\nname';
  const { epochs } = historyOf(0.5, 0.75);
  const validated = epochs.map((epoch) => ({ ...epoch, validation: { loss: 3, accuracy: 0.125 } }));
  const runs = [
    namedRun(name, { lr: 0.1, augment: { crop: 4 } }, { epochs: validated }),
    namedRun('b', {}, historyOf(0.25)),
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

test('the colours of runs can be told apart by the red-green blind, and seen on white and on black', () => {
  const seen = runColors.map((color) => deficiencies.map((matrix) => oklab(apply(matrix, linear(color)))));
  for (let i = 0; i < seen.length; i++) {
    for (let j = 0; j < i; j++) {
      deficiencies.forEach((_, k) => {
        const distance = Math.hypot(...seen[i][k].map((value, c) => value - seen[j][k][c]));
        assert.ok(distance > 0.08, `${runColors[i]} and ${runColors[j]}: ${distance.toFixed(3)} in view ${k}`);
      });
    }
    const luminance = apply([[0.2126, 0.7152, 0.0722]], linear(runColors[i]))[0];
    assert.ok(1.05 / (luminance + 0.05) > 1.9, `${runColors[i]} on white`);
    assert.ok((luminance + 0.05) / 0.056 > 2.5, `${runColors[i]} on black`);
  }
});

/** Full sight, protanopia, deuteranopia: Machado, Oliveira and Fernandes 2009. */
const deficiencies = [
  [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
];
const apply = (matrix: number[][], vector: number[]) =>
  matrix.map((row) => row.reduce((sum, value, i) => sum + value * vector[i], 0));
const linear = (hex: string) =>
  [1, 3, 5].map((i) => {
    const value = parseInt(hex.slice(i, i + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
/** Ottosson 2020: distances as the eye has them. */
function oklab(rgb: number[]): number[] {
  const inside = rgb.map((value) => Math.min(1, Math.max(0, value)));
  const cones = apply(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    inside,
  );
  return apply(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones.map(Math.cbrt),
  );
}
