import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRuns, type Figure, lookBook, createRun, runColors } from 'cifar10';
import { curves, historyOf } from './runs';

test('a run keeps its colour whichever others are drawn beside it, and no two look the same', () => {
  const looks = lookBook();
  const runs = Array.from({ length: 20 }, (_, i) => createRun(`run ${i}`, {}, historyOf(0.5)));
  const appearance = ({ figure }: { figure: Figure }) =>
    new Map(
      curves(figure)
        .filter(({ marker }) => marker)
        .map(({ name, line, marker }) => [name, `${line.color} ${marker!.symbol}`]),
    );
  const first = appearance(compareRuns([runs[3], runs[0]], { looks }));
  const all = appearance(compareRuns(runs, { looks }));
  assert.equal(new Set(all.values()).size, 20);
  for (const [name, look] of first) assert.equal(all.get(name), look);
  const few = appearance(compareRuns([runs[17], runs[5]], { looks }));
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
