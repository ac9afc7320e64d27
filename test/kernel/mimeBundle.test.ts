import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { DataFrame, Series } from 'danfojs-node';
import { toMimeBundle, html, type Displayable } from 'cifar10/kernel';
import { root } from './kernel';
import { imageGrid, learningCurves } from 'cifar10/charts';

test('a chart is Plotly’s media type, with text as a fallback', () => {
  const figure = learningCurves([]);
  const { data } = toMimeBundle(figure);
  assert.deepEqual(data['application/vnd.plotly.v1+json'], figure);
  assert.equal(data['text/plain'], 'Chart: training, test');
});

test('a picture is a PNG in base64, with its size', () => {
  const picture = imageGrid({ images: new Uint8Array(3072), imageShape: [32, 32, 3] });
  const { data, metadata } = toMimeBundle(picture);
  assert.deepEqual(Buffer.from(data['image/png'] as string, 'base64'), Buffer.from(picture.png));
  assert.deepEqual(metadata['image/png'], { width: 64, height: 64 });
});

test('a DataFrame is a table: readable numbers, a dash for missing values, markup escaped', () => {
  const frame = new DataFrame(
    [
      ['<b>linear</b>', 1841162, 0.54999],
      ['deep', NaN, 0.5],
    ],
    { columns: ['network', 'parameters', 'accuracy'] },
  );
  const table = toMimeBundle(frame).data['text/html'] as string;
  assert.match(table, /<th>network<\/th><th>parameters<\/th><th>accuracy<\/th>/);
  assert.match(table, />&lt;b&gt;linear&lt;\/b&gt;<\/td>/);
  assert.match(table, />1,841,162<\/td><td style="text-align: right">0.55<\/td>/);
  assert.match(table, />–<\/td>/);
  assert.match(toMimeBundle(frame).data['text/plain'], /linear/);
});

test('small numbers in a table can be told apart', () => {
  const frame = new DataFrame([[0.00001], [0.00002], [0.0012345], [-0.00002], [0], [0.25]], { columns: ['lr'] });
  const table = toMimeBundle(frame).data['text/html'] as string;
  const cells = [...table.matchAll(/>([^<>]+)<\/td>/g)].map(([, text]) => text);
  assert.deepEqual(cells, ['0.00001', '0.00002', '0.00123', '−0.00002', '0', '0.25']);
});

test('the numbers of a column share their number of decimals, and a minus is as wide as a digit', () => {
  const frame = new DataFrame(
    [
      [92, 0.1],
      [52.96, 0.025],
      [-2.7, NaN],
    ],
    { columns: ['accuracy (%)', 'lr'] },
  );
  const table = toMimeBundle(frame).data['text/html'] as string;
  const cells = [...table.matchAll(/>([^<>]+)<\/td>/g)].map(([, text]) => text);
  assert.deepEqual(cells, ['92.00', '0.100', '52.96', '0.025', '−2.70', '–']);
});

test('a Series is a table of one column', () => {
  const frame = new DataFrame([[0.5], [0.75]], { columns: ['accuracy'] });
  for (const series of [frame.accuracy as Series, new Series(['a', 'b'])]) {
    const table = toMimeBundle(series).data['text/html'] as string;
    assert.equal([...table.matchAll(/<td/g)].length, 2);
  }
  assert.match(toMimeBundle(frame.accuracy as Series).data['text/html'] as string, /<th>accuracy<\/th>.*>0\.75</s);
});

test('a long table shows its first rows, its last one, which may be a sum, and how many there are', () => {
  const frame = new DataFrame(Array.from({ length: 50_000 }, (_, i) => [i]));
  const { data } = toMimeBundle(frame);
  const table = data['text/html'] as string;
  assert.equal([...table.matchAll(/<td/g)].length, 60);
  assert.match(table, /… of 50,000 rows/);
  assert.ok(data['text/plain'].length < 10_000);
  const rowNames = (rows: number) => {
    const names = Array.from({ length: rows - 1 }, (_, i) => `layer ${i + 1}`);
    const values = Array.from({ length: rows }, (_, i) => [i]);
    const table = toMimeBundle({ columns: ['parameters'], index: [...names, 'total'], values }).data[
      'text/html'
    ] as string;
    return [...table.matchAll(/<th>([^<]+)<\/th>/g)].map(([, name]) => name).slice(1);
  };
  assert.deepEqual(rowNames(62).slice(57), ['layer 58', 'layer 59', '…', 'total']);
  assert.deepEqual(rowNames(60).slice(57), ['layer 58', 'layer 59', 'total']);
});

test('rows of plain objects are a table: its columns are their keys', () => {
  const { data } = toMimeBundle([
    { network: '<b>', accuracy: 0.5 },
    { network: 'deep', accuracy: 0.875, epochs: 12 },
  ]);
  const table = data['text/html'] as string;
  assert.deepEqual(
    [...table.matchAll(/<th>([^<]*)<\/th>/g)].map(([, text]) => text),
    ['', 'network', 'accuracy', 'epochs', '0', '1'],
  );
  const cells = [...table.matchAll(/>([^<>]*)<\/td>/g)].map(([, text]) => text);
  assert.deepEqual(cells, ['&lt;b&gt;', '0.500', '–', 'deep', '0.875', '12']);
  assert.equal(data['text/plain'], 'network\taccuracy\tepochs\n<b>\t0.5\t–\ndeep\t0.875\t12');
  assert.equal(toMimeBundle([]).data['text/plain'], 'No rows.');
  assert.throws(() => toMimeBundle([1, 2] as unknown as Displayable), /cannot display \[object Array\]/);
});

test('typed arrays become lists, in a chart and in a table', () => {
  const date = new Date(0);
  const figure = {
    data: [{ x: [date], y: Float32Array.of(0.5, 2), z: [Int32Array.of(1), Uint8Array.of(2)], name: 'a' }],
    layout: { xaxis: { range: Float64Array.of(0, 1) } },
  };
  const shown = toMimeBundle(figure).data['application/vnd.plotly.v1+json'];
  assert.deepEqual(JSON.parse(JSON.stringify(shown)), {
    data: [{ x: [date.toISOString()], y: [0.5, 2], z: [[1], [2]], name: 'a' }],
    layout: { xaxis: { range: [0, 1] } },
  });
  const cellsOf = (values: unknown) => {
    const table = toMimeBundle({ columns: ['a'], index: [0, 1], values }).data['text/html'] as string;
    return [...table.matchAll(/>([^<>]+)<\/td>/g)].map(([, text]) => text);
  };
  assert.deepEqual(cellsOf(Float32Array.of(0.5, 2)), ['0.5', '2.0']);
  assert.deepEqual(cellsOf([Float32Array.of(1, 2), Int32Array.of(3, 4)]), ['1', '2', '3', '4']);
  assert.deepEqual(cellsOf([[Uint8Array.of(1, 2)]]), ['[1,2]']);
});

test('html escapes values, but not markup of its own', () => {
  assert.equal(
    html`<p>${'a < b & "c"'}${html`<b>${1}</b>`}${[html`<i>x</i>`, '<']}</p>`.html.replace(/\s/g, ''),
    '<p>a&lt;b&amp;&quot;c&quot;<b>1</b><i>x</i>&lt;</p>',
  );
  assert.equal(toMimeBundle(html`<p>a ${'<'} b</p>`).data['text/plain'], 'a < b');
});

test('a value that can’t be displayed is named in the error', () => {
  assert.throws(
    () => toMimeBundle(new Map() as unknown as Displayable),
    /cannot display \[object Map\]: expected a chart, .* a table/,
  );
  assert.throws(() => toMimeBundle(null as unknown as Displayable), /cannot display null/);
  assert.throws(() => toMimeBundle(undefined as unknown as Displayable), /cannot display undefined/);
  assert.throws(() => toMimeBundle(5 as unknown as Displayable), /cannot display 5/);
});

test('outside a notebook everything is shown as text, and Ctrl+C ends a run after its batch', () => {
  const script = `
    const { show, watch } = require('cifar10'); const { html } = require('cifar10/kernel');
    show('text'); show(html\`<b>bold</b>\`);
    async function* run() {
      for (let step = 1; step <= 1000; step++) {
        if (step === 5) process.kill(process.pid, 'SIGINT');
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield { type: 'step', epoch: 1, epochs: 1, step, steps: 1000, loss: 1, accuracy: 0, lr: 1, imagesPerSecond: 1 };
      }
    }
    watch(run()).then((history) => console.log(JSON.stringify(history), require.cache[require.resolve('tslab/dist/jupyter')]));`;
  const output = execFileSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
  assert.match(output, /^text\nbold\n/);
  assert.match(output, /Stopped in epoch 1 of 1\./);
  assert.match(output, /\{"epochs":\[\],"stopped":true\} undefined/);
});
