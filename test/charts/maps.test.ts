import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapGrid } from 'cifar10/charts';

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
