import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type CellResult, PLOTLY, runCells, textOf } from './kernel';

const major = Number(process.versions.node.split('.')[0]);
const once = 'async function* once() { yield 1; }';

/** Cells and what they print. */
const printing: readonly [code: string, printed: string][] = [
  [`${once} for await (const x of once()) console.log(x);`, '1'],
  [`{ for await (const x of [Promise.resolve(5)]) console.log(x); }`, '5'],
  [`if (true) { for await (const x of [Promise.resolve(6)]) console.log(x); }`, '6'],
  [
    `try { for await (const x of once()) throw new Error('mine'); } catch (e) { console.log(String(e)); }`,
    'Error: mine',
  ],
  [`const f = async () => { for await (const x of once()) console.log('in', x); }; await f();`, 'in 1'],
  [`for (const x of [1]) { await null; console.log('await in a loop'); }`, 'await in a loop'],
  [`const kept = 1; const next = kept + 1; next`, '2'],
  [`export const exported = 3;`, ''],
  [`console.log(exported, kept);`, '3 1'],
  [`interface P { a: number } class Foo { constructor(readonly a: number) {} }`, ''],
  [`const q: P = new Foo(3); console.log(q.a, q instanceof Foo);`, '3 true'],
  [`setTimeout((x: string) => console.log(x), 1, 'timer'); await new Promise((r) => setTimeout(r, 50));`, 'timer'],
  [`import { promisify } from 'node:util'; console.log(await promisify(setTimeout)(1, 'promised'));`, 'promised'],
  [`console.log([3, 1, 2].toSorted(), [1, 2].findLast((x) => x < 2), [1, 2].with(0, 9));`, '[ 1, 2, 3 ] 1 [ 9, 2 ]'],
  [`console.log('ab'.isWellFormed(), 'aba'.replaceAll('a', 'c'), [1, 2].at(-1));`, 'true cbc 2'],
  ...(major < 22
    ? []
    : ([
        [`console.log({ ...Object.groupBy([1, 2], (x) => (x % 2 ? 'odd' : 'even')) });`, '{ odd: [ 1 ], even: [ 2 ] }'],
        [`console.log(new Set([1]).union(new Set([2])).size, await Array.fromAsync([1]));`, '2 [ 1 ]'],
        [`const { promise, resolve } = Promise.withResolvers<number>(); resolve(4); console.log(await promise);`, '4'],
        [`console.log([1, 2, 3].values().map((x) => 2 * x).drop(1).toArray());`, '[ 4, 6 ]'],
      ] satisfies [string, string][])),
];

describe('a cell prints what it should', () => {
  let results: CellResult[];
  before(() => {
    results = runCells(
      printing.map(([code]) => ({ code })),
      { goOn: true },
    );
  });
  for (const [i, [code, printed]] of printing.entries()) {
    test(code, () => {
      assert.equal(results[i].status, 'ok', textOf(results[i]));
      assert.equal(textOf(results[i]).trim(), printed);
    });
  }
});

test('of a flood of output the beginning and the end arrive, and the chart after it', () => {
  const chart = `show(barChart(['a'], [{ name: 'x', values: [1] }]));`;
  const [, lines, long, failing] = runCells(
    [
      { code: `import { show } from 'cifar10'; import { barChart } from 'cifar10/charts';` },
      { code: `for (let i = 0; i < 400_000; i++) console.log('step', i, Math.random()); ${chart}` },
      { code: `console.log('x'.repeat(4_000_000)); ${chart}` },
      { code: `for (let i = 0; i < 400_000; i++) console.log('step', i); throw new Error('sad');` },
    ],
    { goOn: true },
  );
  for (const { status, outputs } of [lines, long]) {
    assert.equal(status, 'ok');
    assert.ok(outputs.some(({ data }) => data?.[PLOTLY]));
  }
  for (const result of [lines, long, failing]) assert.ok(textOf(result).length < 2.1e6);
  assert.match(textOf(lines), /^step 0 .*… 2,000,000 characters; .*… [\d,]+ characters omitted …\n.*\nstep 399999 /s);
  assert.match(textOf(failing), /step 399999\nError: sad/);
});

test('cells run on when a package.json or a folder of the project changes', () => {
  const [, changed, next] = runCells([
    { code: `import { linear } from 'cifar10'; import { mkdirSync, rmdirSync, utimesSync } from 'node:fs';` },
    {
      code: `utimesSync('../lib/package.json', new Date(), new Date());
mkdirSync('../node_modules/.new'); await new Promise((resolve) => setTimeout(resolve, 700));
rmdirSync('../node_modules/.new'); await new Promise((resolve) => setTimeout(resolve, 700));`,
    },
    { code: 'console.log(linear.name);' },
  ]);
  assert.equal(changed.status, 'ok', textOf(changed));
  assert.equal(next.status, 'ok', textOf(next));
});
