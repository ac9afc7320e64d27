import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRun } from 'cifar10';
import { runColors, type Figure, runCurves } from 'cifar10/charts';
import { point } from './figures';
import { curves, historyOf } from '../runs/runs';

test('the figure: accuracy in percent beside loss, test solid with markers, training dotted, one legend entry a run', () => {
  const [{ epochs: points }] = [createRun('a', {}, historyOf(0.5, 0.75))];
  const figure = runCurves([{ name: 'a', points }]);
  assert.deepEqual(
    curves(figure).map(({ xaxis, y, line, marker }) => [xaxis, y, line.dash, marker !== undefined]),
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

test('a run that is much shorter than another can be seen: then the epochs are logarithmic', () => {
  const run = (name: string, epochs: number) => {
    const points = Array.from({ length: epochs }, (_, i) => point(i + 1, 0.5));
    return { name, points };
  };
  const axisOf = (...runs: ReturnType<typeof run>[]) => {
    const { xaxis, xaxis2 } = runCurves(runs).layout as Record<string, { type?: string; range: [number, number] }>;
    assert.deepEqual([xaxis.type, xaxis.range], [xaxis2.type, xaxis2.range]);
    return xaxis;
  };
  const { type, range } = axisOf(run('long', 100), run('short', 12));
  assert.equal(type, 'log');
  assert.ok(10 ** range[0] < 1 && 10 ** range[1] > 100);
  for (const runs of [[run('long', 100), run('half', 50)], [run('none', 0), run('one', 100)], []]) {
    assert.equal(axisOf(...runs).type, undefined);
  }
});

test('the more runs, the higher the figure: their names take nothing from the panels; first is what solid means', () => {
  const runs = (count: number, name: string) =>
    Array.from({ length: count }, (_, i) => ({ name: `${name} ${i}`, points: [point(1, 0.5)] }));
  const height = (figure: Figure) => figure.layout.height as number;
  assert.equal(height(runCurves(runs(2, 'deep'))), 400);
  assert.ok(height(runCurves(runs(14, 'deep CNN, augmented'))) > 480);
  assert.ok(height(runCurves(runs(14, 'deep CNN, augmented'))) < 700);
  const { data } = runCurves(runs(3, 'deep'));
  const entries = (data as { name: string; legendrank: number; showlegend?: boolean }[]).filter(
    ({ showlegend = true }) => showlegend,
  );
  assert.deepEqual(
    entries.sort((a, b) => a.legendrank - b.legendrank).map(({ name }) => name),
    ['test', 'training', 'deep 0', 'deep 1', 'deep 2'],
  );
});

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
