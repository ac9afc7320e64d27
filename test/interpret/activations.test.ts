import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activations, shallowCnn, subset } from 'cifar10';
import { layerMaps } from 'cifar10/interpret';
import { traces } from '../charts/figures';
import { noise } from './predictions';
import { mapGrid } from 'cifar10/charts';

test('activations: a map for each channel, or the strongest, in the order of the layer, each value in its place', () => {
  const model = shallowCnn({ widths: [3, 12, 4], seed: 2 });
  const images = noise(4);
  const all = activations(model, images, { image: 2, layer: 'relu1' });
  assert.deepEqual([all.layer, all.channels, all.total, all.name], ['relu1', [0, 1, 2], 3, 'image 2, bird']);
  assert.equal(activations(model, images).layer, 'relu1');

  const maps = layerMaps(model, model.getLayer('relu2'), subset(images, [2]));
  const values = maps.dataSync<'float32'>(); // [1, 32, 32, 12]
  maps.dispose();
  const mapOf = (channel: number) => values.filter((_, i) => i % 12 === channel);
  const means = Array.from({ length: 12 }, (_, channel) => mapOf(channel).reduce((a, b) => a + b) / 1024);
  const strongest = [...means.keys()]
    .sort((a, b) => means[b] - means[a])
    .slice(0, 5)
    .sort((a, b) => a - b);
  const some = activations(model, images, { image: 2, layer: 'relu2', count: 5 });
  assert.deepEqual([some.channels, some.total, some.height, some.width], [strongest, 12, 32, 32]);
  strongest.forEach((channel, i) =>
    assert.deepEqual(some.values.subarray(i * 1024, (i + 1) * 1024), mapOf(channel), `map ${channel}`),
  );
  // Drawn: a row of the five maps is a row of cells, with gaps between the maps and rows of gaps above them.
  const figure = mapGrid(some);
  assert.match(
    (figure.layout.title as { text: string }).text,
    /relu2, the 5 strongest of 12 maps of 32 × 32: image 2, bird/,
  );
  const rows = traces(figure)[0]
    .z.map((row) => row.filter((value) => value !== null))
    .filter(({ length }) => length > 0);
  assert.equal(rows.length, 32);
  strongest.forEach((channel, place) => {
    const shown = rows.flatMap((row) => row.slice(32 * place, 32 * (place + 1)));
    assert.deepEqual(
      shown,
      Array.from(mapOf(channel), (value) => Number(value.toPrecision(3))),
    );
  });
  model.dispose();
});
