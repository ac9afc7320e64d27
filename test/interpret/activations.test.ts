import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activations, shallowCnn } from 'cifar10';
import { layerMaps } from 'cifar10/interpret';
import { traces, captionsOf } from '../charts/figures';
import { noise, ten } from './predictions';

test('activations: a map for each channel, or the strongest, each with its number and its values', () => {
  const model = shallowCnn({ widths: [3, 12, 4], seed: 2 });
  const images = noise(4);
  const all = activations(model, images, ten, { image: 2, layer: 'relu1' });
  assert.match((all.layout.title as { text: string }).text, /relu1, 3 maps of 32 × 32: image 2, bird/);
  assert.deepEqual(captionsOf(all), ['0', '1', '2']);
  const maps = layerMaps(model, model.getLayer('relu1'), {
    images: images.images.subarray(2 * 3072, 3 * 3072),
    size: 1,
    imageShape: [32, 32, 3],
  });
  const values = maps.dataSync<'float32'>();
  maps.dispose();
  const shown = traces(all)[0]
    .z.flat()
    .filter((value) => value !== null);
  assert.equal(shown.length, 3 * 32 * 32);
  assert.ok(Math.abs(Math.max(...shown) - values.reduce((a, b) => Math.max(a, b))) < 0.01);
  model.dispose();
});

test('activations: of many maps those of the largest mean, in the order of the layer, each value in its place', () => {
  const model = shallowCnn({ widths: [3, 12, 4], seed: 2 });
  const images = noise(1);
  const maps = layerMaps(model, model.getLayer('relu2'), images);
  const values = maps.dataSync<'float32'>(); // [1, 32, 32, 12]
  maps.dispose();
  const mapOf = (channel: number) => values.filter((_, i) => i % 12 === channel);
  const means = Array.from({ length: 12 }, (_, channel) => mapOf(channel).reduce((a, b) => a + b) / 1024);
  const strongest = [...means.keys()]
    .sort((a, b) => means[b] - means[a])
    .slice(0, 5)
    .sort((a, b) => a - b);
  const figure = activations(model, images, ten, { layer: 'relu2', count: 5 });
  assert.deepEqual(captionsOf(figure).map(Number), strongest);
  // A row of the five maps is a row of cells, with gaps between the maps and rows of gaps above them.
  const rows = traces(figure)[0]
    .z.map((row) => row.filter((value) => value !== null))
    .filter(({ length }) => length > 0);
  assert.equal(rows.length, 32);
  strongest.forEach((channel, place) => {
    const shown = rows.flatMap((row) => row.slice(32 * place, 32 * (place + 1)));
    assert.deepEqual(
      shown,
      Array.from(mapOf(channel), (value) => Number(value.toPrecision(3))),
      `map ${channel}`,
    );
  });
  model.dispose();
});
