import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traces } from './figures';
import { histograms } from 'cifar10/charts';

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
