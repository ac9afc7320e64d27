import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PNG } from 'pngjs';
import {
  barChart,
  captionedImages,
  type Figure,
  histograms,
  imageGrid,
  learningCurves,
  lrCurve,
  runCurves,
} from 'cifar10';
import { decimate } from 'cifar10/dist/charts/decimate';
import { mapGrid } from 'cifar10/dist/charts/maps';
import { percent } from 'cifar10/dist/charts/theme';

interface Trace {
  name: string;
  x: number[];
  y: number[];
  xaxis: string;
  line: { dash?: string; color: string };
}
const traces = ({ data }: Figure) => data as readonly Trace[];
const point = (epoch: number, accuracy: number) => ({
  epoch,
  train: { loss: 2 - accuracy, accuracy },
  test: { loss: 2, accuracy: accuracy / 2 },
});

test('learning curves: accuracy in percent in one panel, loss in the other, each with its unit', () => {
  const figure = learningCurves([point(1, 0.25), point(2, 0.5)]);
  const series = traces(figure).map(({ name, xaxis, y }) => [name, xaxis, y]);
  assert.deepEqual(series, [
    ['training', 'x', [25, 50]],
    ['test', 'x', [12.5, 25]],
    ['training', 'x2', [1.75, 1.5]],
    ['test', 'x2', [2, 2]],
  ]);
  const { yaxis, yaxis2, xaxis } = figure.layout as Record<string, { title: { text: string } }>;
  assert.deepEqual(
    [xaxis, yaxis, yaxis2].map(({ title }) => title.text),
    ['epoch', 'accuracy (%)', 'loss (cross entropy)'],
  );
});

test('learning curves: validation where there is one, recorded runs dashed, and as long as the longest', () => {
  const points = [{ ...point(1, 0.5), validation: { loss: 1, accuracy: 0.4 } }];
  const recorded = Array.from({ length: 100 }, (_, i) => point(i + 1, i / 100));
  const figure = learningCurves(points, { references: [{ name: '100 epochs', points: recorded }] });
  const inFirstPanel = traces(figure).filter(({ xaxis }) => xaxis === 'x');
  assert.deepEqual(
    inFirstPanel.map(({ name, line }) => [name, line.dash]),
    [
      ['training, 100 epochs', 'dash'],
      ['test, 100 epochs', 'dash'],
      ['training', undefined],
      ['validation', undefined],
      ['test', undefined],
    ],
  );
  const { range } = figure.layout.xaxis as { range: [number, number] };
  assert.ok(range[1] >= 100 && range[1] < 110);
});

test('learning curves: of a longer recorded run only what lies on the axis is drawn', () => {
  const recorded = Array.from({ length: 100 }, (_, i) => point(i + 1, i / 100));
  const options = { epochs: 5, references: [{ name: 'recorded', points: recorded }] };
  const [reference] = traces(learningCurves([point(1, 0.5)], options));
  assert.deepEqual(reference.x, [1, 2, 3, 4, 5]);
});

test('learning curves: several recorded runs, each dashed in its own way', () => {
  const references = ['a', 'b', 'c', 'd'].map((name) => ({ name, points: [point(1, 0.5)] }));
  const inFirstPanel = traces(learningCurves([], { references })).filter(({ xaxis }) => xaxis === 'x');
  const dashes = references.map(({ name }) =>
    inFirstPanel.filter((trace) => trace.name.endsWith(`, ${name}`)).map(({ line }) => line.dash),
  );
  assert.deepEqual(dashes, [
    ['dash', 'dash'],
    ['dot', 'dot'],
    ['dashdot', 'dashdot'],
    ['longdash', 'longdash'],
  ]);
});

test('a title stands above the legend, with room for both', () => {
  const title = 'my run';
  const figures = [
    learningCurves([], { title }),
    lrCurve([], { title }),
    barChart(['a'], [{ name: 'b', values: [1] }], { title }),
    runCurves([], { title }),
  ];
  for (const { layout } of figures) {
    const { title, margin } = layout as { title: { text: string; yanchor: string; y: number }; margin: { t: number } };
    assert.deepEqual([title.text, title.y, title.yanchor, margin.t], ['my run', 0.98, 'top', 90]);
  }
  assert.equal(learningCurves([]).layout.title, undefined);
});

test('the more runs, the higher the figure: their names take nothing from the panels; first is what solid means', () => {
  const runs = (count: number, name: string) =>
    Array.from({ length: count }, (_, i) => ({ name: `${name} ${i}`, points: [point(1, 0.5)], look: i }));
  const height = (figure: Figure) => figure.layout.height as number;
  assert.equal(height(runCurves(runs(2, 'deep'))), 400);
  assert.ok(height(runCurves(runs(14, 'deep CNN, augmented'))) > 480);
  assert.ok(height(runCurves(runs(14, 'deep CNN, augmented'))) < 700);
  const { data } = runCurves(runs(14, 'deep'));
  const first = (data as { name: string; legendrank?: number }[]).filter(({ legendrank = 1000 }) => legendrank < 1000);
  assert.deepEqual(
    first.map(({ name }) => name),
    ['test', 'training'],
  );
});

test('maps: the image beside them is whole, however few they are', () => {
  for (const count of [1, 8, 9, 32]) {
    const maps = { values: new Float32Array(count * 64), count, height: 8, width: 8 };
    const options = { image: new Uint8Array(3072), title: '', numbers: [...Array(count).keys()], unit: '' };
    const { images, yaxis } = mapGrid(maps, options).layout as {
      images: { y: number; sizey: number }[];
      yaxis: { range: [bottom: number, top: number] };
    };
    const [{ y, sizey }] = images;
    assert.ok(y >= yaxis.range[1] && y + sizey <= yaxis.range[0], `${count} maps`);
  }
});

test('a probability near 0 or 1 does not look certain; a certain one does', () => {
  const shown = [0, 0.0004, 0.004, 0.5, 0.94, 0.997, 0.9996, 1].map(percent);
  assert.deepEqual(shown, ['0 %', '<0.1 %', '0.4 %', '50 %', '94 %', '99.7 %', '>99.9 %', '100 %']);
});

test('learning curves stay small, however long the run', () => {
  const points = Array.from({ length: 5000 }, (_, i) => point(i + 1, 0.5));
  const batches = Array.from({ length: 100_000 }, (_, i) => ({ epoch: i / 20, loss: 1, accuracy: 0.5 }));
  assert.ok(JSON.stringify(learningCurves(points, { batches })).length < 150_000);
});

test('learning curves of a run that has not begun are empty panels', () => {
  assert.ok(traces(learningCurves([])).every(({ x }) => x.length === 0));
});

test('the colours of training, test and validation differ', () => {
  const figure = learningCurves([{ ...point(1, 0.5), validation: { loss: 1, accuracy: 0.4 } }]);
  const colors = traces(figure).map(({ line }) => line.color);
  assert.equal(new Set(colors).size, 3);
});

test('decimate keeps short series, and takes means of neighbours of long ones', () => {
  const rows = [1, 2, 3, 4, 5, 6].map((x) => ({ x, y: 10 * x }));
  assert.deepEqual(decimate(rows, 6), rows);
  assert.deepEqual(decimate(rows, 3), [
    { x: 1.5, y: 15 },
    { x: 3.5, y: 35 },
    { x: 5.5, y: 55 },
  ]);
  assert.throws(() => decimate(rows, 0), /limit is 0/);
});

test('a histogram counts every value once, the largest too, and holds no more than its bars', () => {
  const values = Uint8Array.from({ length: 100_000 }, (_, i) => i % 256);
  const figure = histograms([{ title: 'bytes', xTitle: 'value', values }], { bins: 64 });
  const [{ x, y }] = traces(figure);
  assert.equal(x.length, 64);
  assert.ok(Math.abs(y.reduce((sum, share) => sum + share) - 100) < 1e-6);
});

test('histograms side by side have one scale of shares, so that a bar as high is as much', () => {
  const { layout } = histograms(['a', 'b', 'c'].map((title) => ({ title, xTitle: '', values: [1, 2] })));
  assert.deepEqual(
    ['yaxis', 'yaxis2', 'yaxis3'].map((key) => (layout[key] as { matches?: string }).matches),
    [undefined, 'y', 'y'],
  );
});

test('a histogram leaves out what lies outside of its range, and takes equal or no values', () => {
  const share = (values: number[], range?: [number, number]) =>
    traces(histograms([{ title: '', xTitle: '', values, range }], { bins: 4 }))[0].y.reduce((a, b) => a + b);
  assert.equal(share([1, 2, 3, 10], [0, 4]), 75);
  assert.equal(share([5, 5, 5]), 100);
  assert.equal(share([]), 0);
  assert.throws(() => histograms([{ title: '', xTitle: '', values: [1] }], { bins: 0.5 }), /bins is 0.5/);
});

test('a histogram refuses values that are no numbers, and says how many', () => {
  const values = [1, NaN, Infinity, 2];
  assert.throws(() => histograms([{ title: '', xTitle: '', values }]), /2 of 4 values are NaN or infinite/);
  assert.throws(() => histograms([{ title: '', xTitle: '', values, range: [0, 4] }]), /2 of 4 values/);
});

test('a bar chart has a bar for each category of each series, and refuses a series of another length', () => {
  const figure = barChart(['cat', 'dog'], [{ name: 'training', values: Uint8Array.of(3, 4) }]);
  assert.deepEqual(traces(figure)[0].y, [3, 4]);
  const [{ text }] = barChart(['a', 'b', 'c'], [{ name: 'n', values: [12_345, 0.123456789, 0.00002] }]).data as {
    text: string[];
  }[];
  assert.deepEqual(text, ['12,345', '0.1235', '0.00002']);
  assert.throws(
    () => barChart(['cat', 'dog'], [{ name: 'training', values: [1] }]),
    /the series “training” has 1 values for 2 categories/,
  );
});

test('an image grid repeats each pixel exactly, row after row, with transparent gaps', () => {
  const images = Uint8Array.from({ length: 3 * 3072 }, (_, i) => (i * 31) % 251);
  const { png, width, height } = imageGrid({ images }, { columns: 2, scale: 2, gap: 3 });
  const picture = PNG.sync.read(Buffer.from(png));
  assert.deepEqual([picture.width, picture.height], [width, height]);
  assert.deepEqual([width, height], [2 * 64 + 3, 2 * 64 + 3]);
  const pixel = (x: number, y: number) => [...picture.data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
  const original = (image: number, x: number, y: number) => {
    const from = image * 3072 + (y * 32 + x) * 3;
    return [...images.subarray(from, from + 3), 255];
  };
  assert.deepEqual(pixel(11, 21), original(0, 5, 10));
  assert.deepEqual(pixel(67 + 63, 63), original(1, 31, 31));
  assert.deepEqual(pixel(1, 67 + 1), original(2, 0, 0));
  assert.equal(pixel(65, 10)[3], 0, 'the gap');
  assert.equal(pixel(70, 70)[3], 0, 'the place of the image that is not there');
});

test('an image grid refuses what makes no picture', () => {
  const images = new Uint8Array(3072);
  assert.throws(() => imageGrid({ images }, { columns: 0 }), /columns is 0; it must be a whole number from 1/);
  assert.throws(() => imageGrid({ images }, { scale: 1.5 }), /scale is 1.5/);
  assert.throws(() => imageGrid({ images }, { gap: 0.5 }), /gap is 0.5; it must be a whole number from 0/);
  assert.throws(() => captionedImages({ images }, ['a'], { columns: 0 }), /columns is 0/);
  assert.throws(() => imageGrid({ images }, { count: 2 }), /count is 2, but there are only 1 images/);
  assert.throws(() => imageGrid({ images: new Uint8Array(3072 * 3000) }), /3,000 images is too large.* 2,500: .*count/);
});

test('captioned images have a text under each image, and refuse more captions than images', () => {
  const images = new Uint8Array(2 * 3072);
  const { layout } = captionedImages({ images }, ['cat', 'dog']);
  assert.equal((layout.images as unknown[]).length, 2);
  assert.deepEqual(
    (layout.annotations as { text: string }[]).map(({ text }) => text),
    ['cat', 'dog'],
  );
  assert.throws(() => captionedImages({ images }, ['a', 'b', 'c']), /3 captions, but only 2 images/);
});
