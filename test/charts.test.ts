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
import { decimate, decimateEpochs } from 'cifar10/dist/charts/decimate';
import { mapGrid } from 'cifar10/dist/charts/maps';
import { heatOverlay } from 'cifar10/dist/charts/overlay';
import { percent } from 'cifar10/dist/charts/theme';

interface Trace {
  name: string;
  mode: string;
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
  const references = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, points: [point(1, 0.5)] }));
  const inFirstPanel = traces(learningCurves([], { references })).filter(({ xaxis }) => xaxis === 'x');
  const dashes = references.map(({ name }) =>
    inFirstPanel.filter((trace) => trace.name.endsWith(`, ${name}`)).map(({ line }) => line.dash),
  );
  assert.deepEqual(dashes, [
    ['dash', 'dash'],
    ['dot', 'dot'],
    ['dashdot', 'dashdot'],
    ['longdash', 'longdash'],
    ['longdashdot', 'longdashdot'],
  ]);
});

test('a curve of one epoch is a marker: its line alone could not be seen', () => {
  const one = [point(1, 0.5)];
  const modes = (figure: Figure) => [...new Set(traces(figure).map(({ mode }) => mode))];
  assert.deepEqual(modes(learningCurves(one, { references: [{ name: 'recorded', points: one }] })), ['lines+markers']);
  const runs = (points: typeof one) => {
    const { data } = runCurves([{ name: 'a', points, look: 0 }]);
    return (data as (Trace & { marker?: object })[]).filter(({ name }) => name === 'a');
  };
  assert.ok(runs(one).every(({ mode, marker }) => mode === 'lines+markers' && marker));
  const [training] = runs([...one, point(2, 0.5)]);
  assert.deepEqual([training.mode, training.marker], ['lines', undefined], 'a longer one has its line only');
});

test('learning curves end with the last epoch as it was, however long the run', () => {
  const points = Array.from({ length: 1001 }, (_, i) => point(i + 1, i / 1001));
  const figures = [learningCurves(points), runCurves([{ name: 'a', points, look: 0 }])];
  for (const figure of figures) {
    const [{ x, y }] = traces(figure);
    assert.deepEqual([x.at(-1), y.at(-1)], [1001, (100 * 1000) / 1001]);
    assert.ok(x.length <= 500);
  }
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

test('maps: a few extreme values leave the colour scale alone, and a few others than all the rest have all of it', () => {
  const scale = (values: ArrayLike<number>) => {
    const maps = { values: Float32Array.from(values), count: values.length / 100, height: 10, width: 10 };
    const options = { image: new Uint8Array(3072), title: '', numbers: [], unit: '' };
    const [{ zmin, zmax }] = mapGrid(maps, options).data as { zmin: number; zmax: number }[];
    return [zmin, zmax];
  };
  const rising = Array.from({ length: 1000 }, (_, i) => i);
  assert.deepEqual(scale(rising), [0, 994]);
  assert.deepEqual(scale([0, ...rising.slice(0, 998).map((value) => value + 1), 9e9]), [0, 994], 'maps after a ReLU');
  assert.deepEqual(scale([-9e9, ...rising.slice(0, 999)])[0], 3, 'values below 0');
  assert.deepEqual(scale([...Array<number>(997).fill(0), 7, 5, 6]), [0, 7], 'nearly all are equal');
  assert.deepEqual(scale([...Array<number>(998).fill(0), 7, -5]), [-5, 7], 'nearly all are equal, and in the middle');
  assert.deepEqual(scale(Array<number>(100).fill(5)), [5, 6]);
});

test('a heat map lies over its image the right way round: hot above right, in the colours of the image below', () => {
  const quarters = [
    [200, 0, 0],
    [0, 200, 0],
    [0, 0, 200],
    [100, 100, 100],
  ];
  const quarter = (i: number, side: number) => 2 * Number(i >= (side * side) / 2) + Number(i % side >= side / 2);
  const image = Uint8Array.from({ length: 3072 }, (_, i) => quarters[quarter(Math.floor(i / 3), 32)][i % 3]);
  const heat = Float32Array.from({ length: 64 * 64 }, (_, i) => Number(quarter(i, 64) === 1));
  const { png, width, height } = heatOverlay(image, heat);
  assert.deepEqual([width, height], [64, 64]);
  const { data } = PNG.sync.read(Buffer.from(png));
  const [cold, hot] = [
    [0, 0, 4],
    [252, 255, 164],
  ];
  for (let i = 0; i < 64 * 64; i++) {
    const heatColor = quarter(i, 64) === 1 ? hot : cold;
    const expected = quarters[quarter(i, 64)].map((below, channel) =>
      Math.round(0.4 * below + 0.6 * heatColor[channel]),
    );
    assert.deepEqual([...data.subarray(4 * i, 4 * i + 4)], [...expected, 255], `x ${i % 64}, y ${Math.floor(i / 64)}`);
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

test('decimated epochs keep the last one as it is', () => {
  const rows = [1, 2, 3, 4, 5].map((x) => ({ x }));
  assert.deepEqual(decimateEpochs(rows, 5), rows);
  assert.deepEqual(decimateEpochs(rows, 3), [{ x: 1.5 }, { x: 3.5 }, { x: 5 }]);
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

test('histograms side by side share the width; more than fit are refused', () => {
  const panels = (count: number) => Array.from({ length: count }, () => ({ title: '', xTitle: '', values: [1, 2] }));
  const { layout } = histograms(panels(4));
  const ends = ['xaxis', 'xaxis2', 'xaxis3', 'xaxis4'].flatMap((key) => (layout[key] as { domain: number[] }).domain);
  assert.deepEqual(
    ends,
    [...ends].sort((a, b) => a - b),
  );
  assert.deepEqual([ends[0], ends.at(-1)], [0, 1]);
  assert.throws(() => histograms(panels(10)), /there are 10 histograms; expected at most 4 side by side/);
});

test('a histogram counts a value between two bars in the one that begins there', () => {
  const bars = (values: ArrayLike<number>, bins: number, range?: [number, number]) => {
    const [{ y }] = traces(histograms([{ title: '', xTitle: '', values, range }], { bins }));
    return y.flatMap((share, bar) => (share > 0 ? [bar] : []));
  };
  for (let edge = 0; edge < 10; edge++) assert.deepEqual(bars([edge / 10], 10, [0, 1]), [edge], `${edge / 10}`);
  assert.deepEqual(bars([0.2], 6, [0.1, 0.7]), [1]);
  assert.deepEqual(bars([0.3], 6, [0.1, 0.7]), [2]);
  assert.deepEqual(bars([0.0999, 0.2999], 10, [0, 1]), [0, 2]);
  assert.deepEqual(bars([1], 10, [0, 1]), [9], 'the largest value is in the last bar');
});

test('a histogram of equal values has them in its middle', () => {
  const [{ x, y }] = traces(histograms([{ title: '', xTitle: '', values: [5, 5, 5] }], { bins: 5 }));
  assert.deepEqual(y.map(Math.round), [0, 0, 100, 0, 0]);
  assert.deepEqual([x[0], x[2], x[4]], [4.6, 5, 5.4]);
  const [{ y: large }] = traces(histograms([{ title: '', xTitle: '', values: [1e17] }], { bins: 5 }));
  assert.deepEqual(large, [0, 0, 100, 0, 0]);
});

test('a histogram refuses a range that is none', () => {
  for (const range of [
    [4, 0],
    [1, 1],
    [0, NaN],
    [-Infinity, 0],
  ] as const) {
    assert.throws(() => histograms([{ title: '', xTitle: '', values: [1], range }]), {
      name: 'RangeError',
      message: `range is [${range.join(', ')}]; expected two finite numbers, the lower one first`,
    });
  }
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
  assert.throws(
    () => imageGrid({ images: new Uint8Array(3072 * 1000) }, { scale: 10 }),
    /a picture of 6,476 × 16,196 pixels is too large; expected at most 16,000,000 in all: choose a smaller scale/,
  );
  for (const bytes of [0, 4608]) {
    assert.throws(() => imageGrid({ images: new Uint8Array(bytes) }), {
      name: 'RangeError',
      message: `there are ${bytes.toLocaleString('en')} bytes; expected 3,072 for each image, and at least one image`,
    });
  }
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
  assert.throws(
    () => captionedImages({ images: new Uint8Array(3072 * 401) }, Array<string>(401).fill('a')),
    /a figure of 401 images with captions is too large; expected at most 400: say how many by count/,
  );
});
