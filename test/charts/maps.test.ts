import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PNG } from 'pngjs';
import { filterGrid, heatOverlay, mapGrid } from 'cifar10/charts';

const image = { images: new Uint8Array(3072), imageShape: [32, 32, 3] as const };
const maps = (values: Float32Array, count: number, side: number) => ({
  ...{ layer: 'relu1', values, height: side, width: side, total: count, image, name: 'image 0, cat' },
  channels: [...Array(count).keys()],
});
const pictures = ({ layout }: ReturnType<typeof heatOverlay>) =>
  (layout.images as { source: string }[]).map(({ source }) =>
    PNG.sync.read(Buffer.from(source.split(',')[1], 'base64')),
  );

test('maps: the image beside them is whole, however few they are', () => {
  for (const count of [1, 8, 9, 32]) {
    const { images, yaxis } = mapGrid(maps(new Float32Array(count * 64), count, 8)).layout as {
      images: { y: number; sizey: number }[];
      yaxis: { range: [bottom: number, top: number] };
    };
    const [{ y, sizey }] = images;
    assert.ok(y >= yaxis.range[1] && y + sizey <= yaxis.range[0], `${count} maps`);
  }
});

test('maps: a few extreme values leave the color scale alone, and a few others than all the rest have all of it', () => {
  const scale = (values: ArrayLike<number>) => {
    const [{ zmin, zmax }] = mapGrid(maps(Float32Array.from(values), values.length / 100, 10)).data as {
      zmin: number;
      zmax: number;
    }[];
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

test('a filter as a picture: zero is gray, the largest weight white or black, each block one weight', () => {
  const filter = new Float32Array(27);
  filter[0] = 0.5; // red in the upper left corner,
  filter[(2 * 3 + 1) * 3 + 2] = -0.25; // and against blue at the bottom
  const figure = filterGrid({
    layer: 'conv',
    weights: Float32Array.of(...new Float32Array(27), ...filter),
    shape: [3, 3, 3],
  });
  const [empty, { data, width, height }] = pictures(figure);
  const pixel = (x: number, y: number) => {
    const from = 4 * (Math.floor((y + 0.5) * (height / 3)) * width + Math.floor((x + 0.5) * (width / 3)));
    return [...data.subarray(from, from + 4)];
  };
  assert.deepEqual(pixel(0, 0), [255, 128, 128, 255]);
  assert.deepEqual(pixel(1, 2), [128, 128, 64, 255]);
  assert.deepEqual(pixel(2, 2), [128, 128, 128, 255]);
  assert.deepEqual([...empty.data.subarray(0, 4)], [128, 128, 128, 255]);
  const [{ text }] = figure.data as { text: string[] }[];
  assert.deepEqual(text, ['<b>filter 0</b><br>weights up to ±0.0', '<b>filter 1</b><br>weights up to ±0.50']);
});

test('a heat map is over its image the right way round: hot at the upper right, in the colors of the image below', () => {
  const quarters = [
    [200, 0, 0],
    [0, 200, 0],
    [0, 0, 200],
    [100, 100, 100],
  ];
  const quarter = (i: number, side: number) => 2 * Number(i >= (side * side) / 2) + Number(i % side >= side / 2);
  const images = Uint8Array.from({ length: 3072 }, (_, i) => quarters[quarter(Math.floor(i / 3), 32)][i % 3]);
  const heat = Float32Array.from({ length: 128 * 128 }, (_, i) => 7 * Number(quarter(i, 128) === 1));
  const map = {
    ...{ image: { ...image, images }, name: 'image 0', label: 'cat', className: 'dog', probability: 0.5 },
    ...{ layer: 'conv', heat, height: 128, width: 128 },
  };
  const [original, { data, width, height }] = pictures(heatOverlay([map]));
  assert.deepEqual([width, height, original.width], [128, 128, 128]);
  const [cold, hot] = [
    [0, 0, 4],
    [252, 255, 164],
  ];
  for (let i = 0; i < 128 * 128; i++) {
    const heatColor = quarter(i, 128) === 1 ? hot : cold;
    const expected = quarters[quarter(i, 128)].map((below, channel) =>
      Math.round(0.4 * below + 0.6 * heatColor[channel]),
    );
    assert.deepEqual(
      [...data.subarray(4 * i, 4 * i + 4)],
      [...expected, 255],
      `x ${i % 128}, y ${Math.floor(i / 128)}`,
    );
  }
});

test('a heat map of few cells is smooth, over gray images of another shape, too', () => {
  const gray = { images: new Uint8Array(20 * 10), imageShape: [20, 10, 1] as const };
  const map = {
    ...{ image: gray, name: '', label: '', className: '', probability: 0, layer: '' },
    ...{ heat: Float32Array.of(0, 1), height: 1, width: 2 },
  };
  const [, { data, width, height }] = pictures(heatOverlay([map]));
  assert.deepEqual([width, height], [64, 128]);
  const reds = Array.from({ length: width }, (_, x) => data[4 * x]);
  assert.ok(reds.every((red, x) => x === 0 || red >= reds[x - 1]));
  assert.ok(new Set(reds).size > 20);
});
