import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addChange, type ControlChange, changeLabel } from 'cifar10/notebook';
import { learningCurves } from 'cifar10/charts';

const change = (from: string, to: string, name = 'lr') => ({
  name,
  label: name,
  applies: 'live' as const,
  from,
  to,
});
const at = (time: number, batch: number) => ({ time, batch, epoch: batch / 10 });
const labels = (marks: readonly ControlChange[]) => marks.map((mark) => `${mark.epoch}: ${changeLabel(mark)}`);

test('dragging a slider leaves one change, with the final value', () => {
  let marks: ControlChange[] = [];
  for (const [i, [from, to]] of [
    ['0.1', '0.2'],
    ['0.2', '0.5'],
    ['0.5', '1'],
  ].entries()) {
    marks = addChange(marks, change(from, to), at(500 * i, 10 + 5 * i));
  }
  assert.deepEqual(labels(marks), ['2: lr 0.1 → 1']);
});

test('a pause or another control begins a new change; between two slow batches there is no pause', () => {
  const first = addChange([], change('0.1', '0.2'), at(0, 10));
  assert.deepEqual(labels(addChange(first, change('0.2', '0.5'), at(3000, 20))), [
    '1: lr 0.1 → 0.2',
    '2: lr 0.2 → 0.5',
  ]);
  assert.deepEqual(labels(addChange(first, change('0', '0.9', 'momentum'), at(10, 10))), [
    '1: lr 0.1 → 0.2',
    '1: momentum 0 → 0.9',
  ]);
  assert.deepEqual(labels(addChange(first, change('0.2', '0.5'), at(30_000, 11))), ['1.1: lr 0.1 → 0.5']);
});

test('a slider that returns to its old value leaves no change', () => {
  const there = addChange([], change('0.1', '0.2'), at(0, 10));
  assert.deepEqual(addChange(there, change('0.2', '0.1'), at(100, 10)), []);
});

interface Annotation {
  x: number;
  y: number;
  text: string;
  hovertext: string;
}

test('a chart has a dotted line in each panel for each annotation, with labels above that do not overlap', () => {
  const given = [1, 1.1, 1.2, 3].map((epoch) => ({ epoch, label: `lr ${epoch} → 0.01` }));
  const { layout } = learningCurves([], { epochs: 10, annotations: given });
  const shapes = layout.shapes as { x0: number; xref: string; line: { dash: string } }[];
  assert.deepEqual(shapes.map(({ xref }) => xref).sort(), ['x', 'x', 'x', 'x', 'x2', 'x2', 'x2', 'x2']);
  assert.ok(shapes.every(({ line }) => line.dash === 'dot'));
  const annotations = layout.annotations as Annotation[];
  assert.deepEqual(new Set(annotations.map(({ text }) => text)), new Set(given.map(({ label }) => label)));
  const close = annotations.filter(({ x }) => x < 2).map(({ y }) => y.toFixed(4));
  assert.equal(new Set(close).size, 3, 'labels of neighbours share a row');
  const { domain } = layout.yaxis as { domain: [number, number] };
  assert.ok(
    annotations.every(({ y }) => y >= domain[1]),
    'a label lies over the curves',
  );
});

test('a label without room is shown on hover', () => {
  const given = Array.from({ length: 9 }, (_, i) => ({ epoch: 1 + i / 100, label: `lr ${i} → ${i + 1}` }));
  const annotations = learningCurves([], { epochs: 10, annotations: given }).layout.annotations as Annotation[];
  assert.equal(annotations.filter(({ text }) => text === '…').length, 5);
  assert.deepEqual(new Set(annotations.map(({ hovertext }) => hovertext)).size, 9);
});

test('a chart without annotations is unchanged', () => {
  assert.deepEqual(learningCurves([], { annotations: [] }), learningCurves([]));
  assert.equal(learningCurves([]).layout.annotations, undefined);
});
