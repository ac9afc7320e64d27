import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PNG } from 'pngjs';
import { heatOverlay } from 'cifar10/charts';

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
