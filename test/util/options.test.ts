import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneOf, rates, readOptions, type Rules, sizes, trueOrFalse, wholeNumber } from 'cifar10/util';

interface Options {
  count: number;
  widths: readonly [number, number];
  drop: readonly [number];
  kind: 'a' | 'b';
  isOn: boolean;
}
const rules: Rules<Options> = {
  count: wholeNumber(3, 1),
  widths: sizes([8, 16]),
  drop: rates([0.5]),
  kind: oneOf('a', ['a', 'b']),
  isOn: trueOrFalse(true),
};

test('defaults stand in for what is left out or undefined', () => {
  const defaults = { count: 3, widths: [8, 16], drop: [0.5], kind: 'a', isOn: true };
  assert.deepEqual(readOptions('f', rules, {}), defaults);
  assert.deepEqual(readOptions('f', rules, { count: undefined, isOn: false }), { ...defaults, isOn: false });
});

const refused: { given: object; says: RegExp }[] = [
  { given: { cuont: 1 }, says: /f has no option cuont; it has count, widths, drop, kind, isOn\.$/ },
  { given: { count: 0 }, says: /f: count is 0; expected an integer ≥ 1\.$/ },
  { given: { count: 1.5 }, says: /count is 1\.5/ },
  { given: { count: NaN }, says: /count is NaN/ },
  { given: { count: '3' }, says: /count is "3"/ },
  { given: { count: null }, says: /count is null/ },
  { given: { widths: [8] }, says: /widths is \[ 8 \]; expected 2 integers ≥ 1/ },
  { given: { widths: [8, 0] }, says: /widths is \[ 8, 0 \]/ },
  { given: { widths: [1, 2, 3, 4, 5, 6, 7] }, says: /widths is \[ 1, 2, 3, 4, 5, 6, 7 \]; expected/ },
  { given: { drop: [1] }, says: /drop is \[ 1 \]; expected 1 numbers? in \[0, 1\)/ },
  { given: { kind: 'c' }, says: /kind is "c"; expected "a" or "b"/ },
  { given: { isOn: 1 }, says: /isOn is 1; expected true or false/ },
];
for (const { given, says } of refused) {
  test(`${JSON.stringify(given)} is refused`, () => {
    assert.throws(() => readOptions('f', rules, given as Partial<Options>), says);
  });
}

const circular: Record<string, unknown> = {};
circular.self = circular;
for (const [what, value] of Object.entries({
  bytes: new Uint8Array(1e7),
  text: 'x'.repeat(1e6),
  circular,
  'a bigint': [1n],
})) {
  test(`an error holds enough of ${what} to know it again, and no more`, () => {
    assert.throws(
      () => readOptions('f', rules, { count: value } as never),
      (error: Error) => {
        assert.ok(error instanceof RangeError && error.message.startsWith('f: count is '));
        return error.message.length < 300;
      },
    );
  });
}
