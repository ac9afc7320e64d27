import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traces, type Trace, point } from './figures';
import { type Figure, learningCurves, runCurves } from 'cifar10/charts';

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
    const { data } = runCurves([{ name: 'a', points }]);
    return (data as (Trace & { marker?: object })[]).filter(({ name }) => name === 'a');
  };
  assert.ok(runs(one).every(({ mode, marker }) => mode === 'lines+markers' && marker));
  const [training] = runs([...one, point(2, 0.5)]);
  assert.deepEqual([training.mode, training.marker], ['lines', undefined], 'a longer one has its line only');
});

test('learning curves end with the last epoch as it was, however long the run', () => {
  const points = Array.from({ length: 1001 }, (_, i) => point(i + 1, i / 1001));
  const figures = [learningCurves(points), runCurves([{ name: 'a', points }])];
  for (const figure of figures) {
    const [{ x, y }] = traces(figure);
    assert.deepEqual([x.at(-1), y.at(-1)], [1001, (100 * 1000) / 1001]);
    assert.ok(x.length <= 500);
  }
});

test('learning curves stay small, however long the run', () => {
  const points = Array.from({ length: 5000 }, (_, i) => point(i + 1, 0.5));
  const batches = Array.from({ length: 100_000 }, (_, i) => ({ epoch: i / 20, loss: 1, accuracy: 0.5 }));
  assert.ok(JSON.stringify(learningCurves(points, { batches })).length < 150_000);
});

test('learning curves of a run that has not begun are empty panels, of the values to come', () => {
  const ranges = ({ layout }: Figure) =>
    ['yaxis', 'yaxis2'].map((key) => (layout[key] as { range?: [number, number] }).range);
  const empty = learningCurves([]);
  assert.ok(traces(empty).every(({ x }) => x.length === 0));
  assert.deepEqual(ranges(empty), [
    [0, 100],
    [0, 2.5],
  ]);
  assert.deepEqual(ranges(learningCurves([point(1, 0.5)])), [undefined, undefined], 'fitted to what is drawn');
});

test('the colours of training, test and validation differ', () => {
  const figure = learningCurves([{ ...point(1, 0.5), validation: { loss: 1, accuracy: 0.4 } }]);
  const colors = traces(figure).map(({ line }) => line.color);
  assert.equal(new Set(colors).size, 3);
});

test('the pointer over a curve names the epoch', () => {
  const { xaxis, xaxis2 } = learningCurves([point(1, 0.5)]).layout as Record<string, { unifiedhovertitle: object }>;
  assert.deepEqual([xaxis.unifiedhovertitle, xaxis2.unifiedhovertitle], Array(2).fill({ text: 'epoch %{x:.2~f}' }));
});

test('the batch of a few images at the end of an epoch is not drawn: its accuracy would be a spike', () => {
  const batches = [1, 2, 3].map((i) => ({ epoch: i / 3, loss: 2, accuracy: i / 3, images: i === 3 ? 8 : 64 }));
  const [batch] = traces(learningCurves([], { batches }));
  assert.deepEqual(batch.y.map(Math.round), [33, 67]);
  const [unknown] = traces(learningCurves([], { batches: batches.map((batch) => ({ ...batch, images: undefined })) }));
  assert.equal(unknown.y.length, 3);
});

test('a few huge losses are cut off at the top; of many the axis is logarithmic; its title says so', () => {
  const axisOf = (losses: number[]) => {
    const points = losses
      .map((loss, i) => ({ ...point(i + 1, 0.5), train: { loss, accuracy: 0.5 } }))
      .map((each) => ({ ...each, test: each.train }));
    const { title, type, range } = learningCurves(points).layout.yaxis2 as {
      title: { text: string };
      type?: string;
      range?: [number, number];
    };
    return { title: title.text, type, top: range?.[1] };
  };
  const usual = { title: 'loss (cross entropy)', type: undefined, top: undefined };
  assert.deepEqual(axisOf([2.3, 1.5, 0.002]), usual);
  assert.deepEqual(axisOf([7, 6, 9]), usual);
  assert.deepEqual(axisOf([30, 40, 50, 20, 10]), usual, 'another loss, of larger numbers');
  assert.deepEqual(axisOf([2.3, 2, 1.5, 4e29]), {
    title: 'loss (cross entropy), up to 2.4',
    type: undefined,
    top: 2.4,
  });
  assert.deepEqual(axisOf([2.3, NaN, 1.5, Infinity]), usual);
  const huge = axisOf([2.3, 1e8, 1e15, 4e29, 4e29, 4e29, 4e29]);
  assert.deepEqual(huge, { title: 'loss (cross entropy), logarithmic', type: 'log', top: undefined });
});
