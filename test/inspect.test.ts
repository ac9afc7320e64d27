import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import {
  activations,
  calibrationCurve,
  captionedImages,
  classAccuracy,
  confusedImages,
  confusionMatrix,
  confusions,
  deepCnn,
  type Figure,
  firstFilters,
  gradCam,
  leastSureImages,
  linear,
  mostWrongImages,
  predict,
  shallowCnn,
  type Split,
} from 'cifar10';
import { PNG } from 'pngjs';
import { percent } from 'cifar10/dist/charts/theme';
import { calibrationBins } from 'cifar10/dist/inspect/calibration';
import { countConfusions } from 'cifar10/dist/inspect/confusion';
import { filterPictures } from 'cifar10/dist/inspect/filters';
import { classActivation } from 'cifar10/dist/inspect/gradCam';
import { layerGradient, layerMaps, logitsOf } from 'cifar10/dist/inspect/layers';

const names = ['cat', 'dog', 'ship'];
/** Six images: two cats, three dogs, a ship; one cat called a dog, one dog called a cat, and one a ship. */
const labels = Uint8Array.of(0, 0, 1, 1, 1, 2);
const probabilities = Float32Array.of(
  ...[0.9, 0.05, 0.05],
  ...[0.2, 0.7, 0.1],
  ...[0.1, 0.8, 0.1],
  ...[0.5, 0.4, 0.1],
  ...[0.01, 0.01, 0.98],
  ...[0.3, 0.3, 0.4],
);
const split: Split = { images: new Uint8Array(6 * 3072).map((_, i) => (i * 31) % 251), labels, size: 6 };
const captionsOf = ({ layout }: Figure) => (layout.annotations as { text: string }[]).map(({ text }) => text);
interface Trace {
  readonly name: string;
  readonly x: readonly unknown[];
  readonly y: readonly unknown[];
  readonly z: readonly (readonly (number | null)[])[];
  readonly text: readonly string[] & readonly (readonly string[])[];
  readonly hovertemplate: string;
}
const traces = ({ data }: Figure) => data as readonly Trace[];

/** A split of `size` noisy images, labels 0, 1, 2 … */
function noise(size: number): Split {
  const images = new Uint8Array(size * 3072).map((_, i) => (Math.imul(i, 2654435761) >>> 24) ^ (i % 97));
  return { images, labels: new Uint8Array(size).map((_, i) => i % 10), size };
}
const ten = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const small = () => deepCnn({ widths: [4, 4, 4, 4, 4, 4], seed: 3 });

test('a confusion matrix counts each image once, in the row of what it is and the column of what was said', () => {
  assert.deepEqual(countConfusions(probabilities, labels), [
    [1, 1, 0],
    [1, 1, 1],
    [0, 0, 1],
  ]);
});

test('the matrix shows shares of rows: right answers in one colour, mistakes in the other, on scales of their own', () => {
  const [right, wrong, counts] = traces(confusionMatrix(probabilities, split, names));
  assert.deepEqual(right.z, [
    [50, null, null],
    [null, 33.33, null],
    [null, null, 100],
  ]);
  assert.deepEqual(wrong.z, [
    [null, 50, 0],
    [33.33, null, 33.33],
    [0, 0, null],
  ]);
  assert.deepEqual(counts.text, ['1', '1', '1', '1', '1', '1'], 'no zeros');
});

test('the pointer over a cell of the matrix tells count, share, both classes and where to find such images', () => {
  const [{ text }] = traces(confusionMatrix(probabilities, split, names));
  assert.equal(
    text[1][2],
    '1 of 3 images of class <b>dog</b> (33.3 %)<br>are called <b>ship</b><br>such as the images 4',
  );
  assert.equal(text[2][0], '0 of 1 images of class <b>ship</b> (0.0 %)<br>are called <b>cat</b>');
});

test('with the matrix come the images of each cell, the surest first, in one sheet that is small', () => {
  const { data, layout } = confusionMatrix(probabilities, split, names);
  const [{ customdata: cells }] = data as { customdata: number[][][] }[];
  const { source, columns, side } = (
    layout.meta as { hoverPictures: { source: string; columns: number; side: number } }
  ).hoverPictures;
  assert.deepEqual(cells.flat(2), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(cells[1], [[2], [3], [4]]);
  const sheet = tf.node.decodeJpeg(Buffer.from(source.split(',')[1], 'base64'));
  assert.deepEqual(sheet.shape, [side, columns * side, 3]);
  const shown = tf.tidy(
    () =>
      tf
        .slice(sheet, [0, 4 * side, 0], [side, side, 3])
        .mean()
        .dataSync()[0],
  );
  sheet.dispose();
  const image = split.images.subarray(4 * 3072, 5 * 3072);
  assert.ok(Math.abs(shown - image.reduce((a, b) => a + b) / 3072) < 5, 'image 4 at place 4');
  const many = noise(4000);
  const uniform = Float32Array.from({ length: 40_000 }, (_, i) => Math.abs(Math.sin(i * i)));
  assert.ok(JSON.stringify(confusionMatrix(uniform, many, ten)).length < 1_500_000);
});

test('of a cell with many images, those of which the model is most sure are named and shown, the surest first', () => {
  const sure = [0.6, 0.9, 0.7, 0.95, 0.8, 0.65];
  const many: Split = {
    images: Uint8Array.from({ length: sure.length * 3072 }, (_, i) => 40 * Math.floor(i / 3072)), // image 3 is all 120
    labels: new Uint8Array(sure.length),
    size: sure.length,
  };
  const given = Float32Array.from(sure.flatMap((probability) => [1 - probability, probability, 0]));
  const { data, layout } = confusionMatrix(given, many, names);
  const [{ text, customdata }] = data as (Trace & { customdata: number[][][] })[];
  assert.match(text[0][1], /such as the images 3, 1, 4, 2$/);
  const { source } = (layout.meta as { hoverPictures: { source: string } }).hoverPictures;
  const sheet = tf.node.decodeJpeg(Buffer.from(source.split(',')[1], 'base64'));
  const shown = customdata[0][1].map((place) =>
    tf.tidy(() =>
      Math.round(
        tf
          .slice(sheet, [0, 32 * place, 0], [32, 32, 3])
          .mean()
          .dataSync()[0] / 40,
      ),
    ),
  );
  sheet.dispose();
  assert.deepEqual(shown, [3, 1, 4, 2]);
  const hovers = traces(confusedImages(given, many, names, 'cat', 'dog'))[0].text.map(String);
  assert.deepEqual(
    hovers.map((hover) => Number(/image (\d)/.exec(hover)?.[1])),
    [3, 1, 4, 2, 5, 0],
  );
});

test('confusions are the mistakes of the matrix as rows, the most frequent first', () => {
  const twice = [...labels, 0].map(Number);
  const rows = confusions(Float32Array.of(...probabilities, 0.1, 0.8, 0.1), { labels: Uint8Array.from(twice) }, names);
  assert.deepEqual(rows, [
    { actual: 'cat', guessed: 'dog', count: 2, share: 2 / 3 },
    { actual: 'dog', guessed: 'cat', count: 1, share: 1 / 3 },
    { actual: 'dog', guessed: 'ship', count: 1, share: 1 / 3 },
  ]);
});

test('the images of one cell of the matrix are those that were confused that way', () => {
  const figure = confusedImages(probabilities, split, names, 'cat', 'dog');
  assert.deepEqual(captionsOf(figure), ['✗ dog 70\u00a0%<br>is cat']);
  assert.match(String(traces(figure)[0].text[0]), /<b>image 1, cat<\/b><br>dog 70 %<br>cat 20 %/);
  assert.throws(
    () => confusedImages(probabilities, split, names, 'ship', 'cat'),
    /no ship was called cat; the confusion matrix shows which were/,
  );
  assert.throws(
    () => confusedImages(probabilities, split, names, 'cow', 'cat'),
    new RangeError('confusedImages: there is no class cow; expected one of cat, dog, ship.'),
  );
});

test('accuracy by class: sorted, with counts and the accuracy of all, and a class without images is left out', () => {
  const { data, layout } = classAccuracy(probabilities, split, names);
  const [{ x, y }] = data as readonly Trace[];
  assert.deepEqual(y, ['ship', 'cat', 'dog']);
  assert.deepEqual(
    x.map((value) => Math.round(value as number)),
    [100, 50, 33],
  );
  assert.equal((layout.annotations as { text: string }[])[0].text, 'all classes: 50.0 %');
  const cats = { labels: labels.subarray(0, 2) };
  assert.deepEqual(traces(classAccuracy(probabilities.subarray(0, 6), cats, names))[0].y, ['cat']);
});

test('most wrong are the mistakes, the surest first; least sure are the lowest, right or wrong', () => {
  assert.deepEqual(captionsOf(mostWrongImages(probabilities, split, names)), [
    '✗ ship 98\u00a0%<br>is dog',
    '✗ dog 70\u00a0%<br>is cat',
    '✗ cat 50\u00a0%<br>is dog',
  ]);
  assert.deepEqual(captionsOf(leastSureImages(probabilities, split, names, { count: 2 })), [
    '✓ ship 40\u00a0%',
    '✗ cat 50\u00a0%<br>is dog',
  ]);
});

test('of a model without mistakes it is said that there are none', () => {
  const one = { images: split.images.subarray(0, 3072), labels: labels.subarray(0, 1), size: 1 };
  const figure = mostWrongImages(probabilities.subarray(0, 3), one, names);
  assert.deepEqual(captionsOf(figure), ['no mistakes among 1 image']);
  assert.ok((figure.layout.height as number) >= 80);
  const sure = Float32Array.from({ length: 3000 }, (_, i) => Number(i % 3 === 0));
  const right = { images: new Uint8Array(1000 * 3072), labels: new Uint8Array(1000), size: 1000 };
  assert.deepEqual(captionsOf(mostWrongImages(sure, right, names)), ['no mistakes among 1,000 images']);
});

test('more images with captions than a notebook carries are refused', () => {
  const size = 500;
  const many = { images: new Uint8Array(size * 3072), labels: new Uint8Array(size), size };
  const given = Float32Array.from({ length: 3 * size }, (_, i) => Number(i % 3 === 1));
  assert.throws(
    () => mostWrongImages(given, many, names, { count: 10_000 }),
    /a figure of 500 images with captions is too large; expected at most 400: say how many by count/,
  );
  assert.equal(captionsOf(mostWrongImages(probabilities, split, names, { count: 10_000 })).length, 3);
});

test('calibration: as the paper counts it, each guess in one bin, edges in the bin below, and the expected error', () => {
  const guesses = [0.5, 0.75, 0.75, 0.875, 1]; // for the first of two classes
  const { bins, expectedError } = calibrationBins(
    Float32Array.from(guesses.flatMap((probability) => [probability, 1 - probability])),
    Uint8Array.of(1, 0, 1, 0, 0),
    4,
  );
  assert.deepEqual(
    bins.map(({ count, confidence, accuracy }) => [count, confidence, accuracy]),
    [
      [0, 0, 0],
      [1, 0.5, 0],
      [2, 0.75, 0.5],
      [2, 0.9375, 1],
    ],
  );
  assert.ok(Math.abs(expectedError - (1 * 0.5 + 2 * 0.25 + 2 * 0.0625) / 5) < 1e-12);
});

test('a model that is as sure as it is right has no calibration error; one that is always sure and wrong has all of it', () => {
  const sure = Float32Array.of(1, 0, 1, 0);
  assert.equal(calibrationBins(sure, Uint8Array.of(0, 0), 15).expectedError, 0);
  assert.equal(calibrationBins(sure, Uint8Array.of(1, 1), 15).expectedError, 1);
});

test('calibration: a probability on an edge, as 32 bits have it, is in the bin below', () => {
  const binOf = (probability: number, bins: number) =>
    calibrationBins(Float32Array.of(probability, 0), Uint8Array.of(0), bins).bins.findIndex(({ count }) => count > 0);
  assert.equal(binOf(0.1, 10), 0);
  assert.deepEqual(
    [0.2, 0.4, 0.6, 0.8, 1].map((probability) => binOf(probability, 5)),
    [0, 1, 2, 3, 4],
  );
  assert.deepEqual(
    [0.2001, 0.4001, 0.6001, 0.8001].map((probability) => binOf(probability, 5)),
    [1, 2, 3, 4],
  );
  assert.deepEqual([binOf(0, 5), binOf(1.0005, 5)], [0, 4]);
});

test('the calibration curve names its error, and draws only bins with images, each where it belongs', () => {
  const figure = calibrationCurve(probabilities, split, names, { bins: 5 });
  assert.match((figure.layout.title as { text: string }).text, /calibration error: 41.3 percentage points/);
  const rounded = (values: readonly unknown[]) => values.map((value) => Math.round(value as number));
  assert.deepEqual(
    traces(figure).map(({ name, x, y }) => [name, rounded(x), rounded(y)]),
    [
      ['as sure as right', [0, 100], [0, 100]],
      ['right', [30, 50, 70, 90], [100, 0, 50, 50]],
      ['sure, on average', [40, 50, 75, 94], [40, 50, 75, 94]],
      ['images', [30, 50, 70, 90], [1, 1, 2, 2]],
    ],
  );
  assert.throws(() => calibrationCurve(probabilities, split, names, { bins: 0 }), /bins is 0; expected a whole number/);
});

test('predictions of other images, other classes or no images at all are refused, with the numbers', () => {
  const calls = [confusionMatrix, confusions, classAccuracy, mostWrongImages, leastSureImages, calibrationCurve];
  for (const call of calls) {
    const { name } = call;
    const tooFew = { ...split, labels: labels.subarray(1) };
    assert.throws(() => call(probabilities, tooFew, names), {
      name: 'RangeError',
      message: `${name}: there are 18 probabilities; expected 15, for 5 images and 3 classes: give the images that predict was given.`,
    });
    assert.throws(() => call(probabilities, split, ['cat', 'dog']), /expected 12, for 6 images and 2 classes/);
    assert.throws(
      () => call(new Float32Array(0), { ...split, labels: new Uint8Array(0) }, names),
      /there are no images/,
    );
    assert.throws(
      () => call(new Float32Array(18), { ...split, labels: new Uint8Array(6).fill(3) }, names),
      /image 0 has the label 3; expected 0 to 2/,
    );
  }
});

test('what is no probability is refused, with the image: logits, and numbers of a model that has diverged', () => {
  const calls = [confusionMatrix, confusions, classAccuracy, mostWrongImages, leastSureImages, calibrationCurve];
  const withOne = (value: number) => probabilities.map((other, i) => (i === 7 ? value : other)); // of image 2
  for (const call of calls) {
    for (const logit of [-2.5, 1.002, Infinity]) {
      assert.throws(() => call(withOne(logit), split, names), {
        name: 'RangeError',
        message: `The probabilities of image 2 are not from 0 to 1: one is ${logit}; give what predict returns, not logits.`,
      });
    }
    assert.throws(
      () => call(withOne(NaN), split, names),
      /of image 2 are no numbers: .*has diverged\. Train a new one/,
    );
    call(withOne(1.0005), split, names); // rounded to 16 bits
  }
});

test('probabilities are read as a person reads them, and what is not certain does not look so', () => {
  assert.deepEqual([0, 0.004, 0.25, 0.944, 0.997, 1].map(percent), ['0 %', '0.4 %', '25 %', '94 %', '99.7 %', '100 %']);
});

test('a caption that would reach into the next one goes on in a line of its own, its number with its unit', () => {
  const images = new Uint8Array(3072);
  const [long] = captionsOf(captionedImages({ images }, ['automobile? 94 %<br>truck!'], { columns: 8 }));
  assert.equal(long, 'automobile?<br>94\u00a0%<br>truck!');
  const [wide] = captionsOf(captionedImages({ images }, ['automobile? 94 %<br>truck!'], { columns: 4 }));
  assert.equal(wide, 'automobile? 94\u00a0%<br>truck!');
});

test('a text for the pointer is asked for each picture or for none', () => {
  const images = new Uint8Array(2 * 3072);
  assert.throws(
    () => captionedImages({ images }, ['a', 'b'], { hovers: ['a'] }),
    /there are 1 hovers for 2 pictures; expected one for each/,
  );
});

test('a filter as a picture: nothing is grey, the largest weight white or black, each third of it one weight', () => {
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: [32, 32, 3] }));
  model.add(tf.layers.conv2d({ name: 'conv', filters: 2, kernelSize: 3, padding: 'same' }));
  tf.tidy(() => {
    const kernel = tf.buffer([3, 3, 3, 2]);
    kernel.set(0.5, 0, 0, 0, 1); // filter 1: red in the upper left corner,
    kernel.set(-0.25, 2, 1, 2, 1); // and against blue at the bottom
    model.layers[1].setWeights([kernel.toTensor(), tf.zeros([2])]);
  });
  const [empty, filter] = filterPictures(model);
  assert.equal(filter.largest, 0.5);
  const { data, width, height } = PNG.sync.read(Buffer.from(filter.picture.png));
  const pixel = (x: number, y: number) => {
    const from = 4 * (Math.floor((y + 0.5) * (height / 3)) * width + Math.floor((x + 0.5) * (width / 3)));
    return [...data.subarray(from, from + 4)];
  };
  assert.deepEqual(pixel(0, 0), [255, 128, 128, 255]);
  assert.deepEqual(pixel(1, 2), [128, 128, 64, 255]);
  assert.deepEqual(pixel(2, 2), [128, 128, 128, 255]);
  assert.equal(empty.largest, 0);
  model.dispose();
});

test('a model whose training has diverged is named as such, whatever is looked at', () => {
  const model = small();
  const fill = (value: number) =>
    tf.tidy(() => {
      for (const layer of model.layers) {
        if (layer.weights.length > 0) layer.setWeights(layer.getWeights().map(({ shape }) => tf.fill(shape, value)));
      }
    });
  const images = noise(2);
  for (const value of [NaN, Infinity]) {
    fill(value);
    const says = (owner: string, what: string) => ({
      name: 'RangeError',
      message:
        `${owner}: some of the ${what} are no numbers: the model's training has diverged. Train a new one with a smaller ` +
        'learning rate, or restore an earlier state of this one.',
    });
    assert.throws(() => firstFilters(model), says('firstFilters', 'weights'));
    assert.throws(() => gradCam(model, images, ten), says('gradCam', 'logits'));
    assert.throws(() => gradCam(model, images, ten, { className: 'cat' }), says('gradCam', 'logits'));
    assert.throws(() => activations(model, images, ten), says('activations', 'activations'));
  }
  fill(NaN);
  const before = tf.memory().numTensors;
  // Max pooling makes the lowest number of NaN.
  assert.throws(
    () => activations(model, images, ten, { layer: 'pool1' }),
    /activations: some of the activations are no/,
  );
  assert.throws(() => gradCam(model, images, ten), /has diverged/);
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});

test('filters of a model that does not begin with a convolution are refused', () => {
  const model = linear({ widths: [4, 4] });
  assert.throws(
    () => firstFilters(model),
    /firstFilters: linear begins with the layer linear1, of weights \[3072, 4\]; expected a convolution over red/,
  );
  model.dispose();
});

test('activations: a map for each channel, or the strongest, each with its number and its values', () => {
  const model = shallowCnn({ widths: [3, 12, 4], seed: 2 });
  const images = noise(4);
  const all = activations(model, images, ten, { image: 2, layer: 'relu1' });
  assert.match((all.layout.title as { text: string }).text, /relu1, 3 maps of 32 × 32: image 2, bird/);
  assert.deepEqual(captionsOf(all), ['0', '1', '2']);
  const maps = layerMaps(model, model.getLayer('relu1'), {
    images: images.images.subarray(2 * 3072, 3 * 3072),
    size: 1,
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

test('Grad-CAM by hand: maps times the mean of their weights, what is below 0 cut off', () => {
  // Pooling halves a 32 × 32 image to 2 × 2 × 3; one linear layer follows.
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: [32, 32, 3] }));
  model.add(tf.layers.averagePooling2d({ name: 'pool', poolSize: 16 }));
  model.add(tf.layers.flatten({ name: 'flat' }));
  model.add(tf.layers.dense({ name: 'out', units: 2 }));
  const weights = Array.from({ length: 12 }, (_, i) => [Math.sin(i + 1), Math.cos(3 * i)]);
  tf.tidy(() => model.getLayer('out').setWeights([tf.tensor2d(weights), tf.zeros([2])]));
  // A quarter of each colour: red above left, green above right, blue below left, grey below right.
  const quarters = [255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128];
  const images = new Uint8Array(3072).map((_, i) => {
    const [x, y] = [Math.floor(i / 3) % 32, Math.floor(i / 96)];
    return quarters[(2 * Number(y >= 16) + Number(x >= 16)) * 3 + (i % 3)];
  });
  for (const index of [0, 1]) {
    const channelWeights = [0, 1, 2].map(
      (channel) => [0, 1, 2, 3].reduce((sum, place) => sum + weights[place * 3 + channel][index], 0) / 4,
    );
    const expected = [0, 1, 2, 3].map((place) =>
      Math.max(
        0,
        channelWeights.reduce((sum, w, channel) => sum + w * (quarters[place * 3 + channel] / 127.5 - 1), 0),
      ),
    );
    const map = classActivation(model, model.getLayer('pool'), { images, size: 1 }, [index]);
    assert.deepEqual(map.shape, [1, 2, 2]);
    map.dataSync().forEach((value, place) => assert.ok(Math.abs(value - expected[place]) < 1e-5, `place ${place}`));
    assert.ok(expected.some((value) => value > 0.1));
    map.dispose();
  }
  model.dispose();
});

test('the picture of Grad-CAM is bright where the network found what speaks for the class, and only there', () => {
  // What speaks for the first class is red, anywhere; only the quarter above right is red.
  const model = tf.sequential();
  model.add(tf.layers.inputLayer({ inputShape: [32, 32, 3] }));
  model.add(tf.layers.averagePooling2d({ name: 'pool', poolSize: 16 }));
  model.add(tf.layers.flatten({ name: 'flat' }));
  model.add(tf.layers.dense({ name: 'out', units: 2 }));
  const weights = Array.from({ length: 12 }, (_, i) => [Number(i % 3 === 0), 0]);
  tf.tidy(() => model.getLayer('out').setWeights([tf.tensor2d(weights), tf.zeros([2])]));
  const isRed = (i: number) => i % 3 === 0 && Math.floor(i / 3) % 32 >= 16 && Math.floor(i / 96) < 16;
  const red = { images: new Uint8Array(3072).map((_, i) => (isRed(i) ? 255 : 0)), labels: new Uint8Array(1), size: 1 };
  const { layout } = gradCam(model, red, ['red', 'other'], { className: 'red' });
  const [, { source }] = layout.images as { source: string }[];
  const { data, width, height } = PNG.sync.read(Buffer.from(source.split(',')[1], 'base64'));
  const pixel = (x: number, y: number) => [...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)];
  const [right, bottom] = [width - 1, height - 1];
  // Six tenths of the colour of the heat, 252, 255, 164 or 0, 0, 4, over the image.
  assert.deepEqual(pixel(right, 0), [253, 153, 98]);
  for (const [x, y] of [
    [0, 0],
    [0, bottom],
    [right, bottom],
  ]) {
    assert.deepEqual(pixel(x, y), [0, 0, 2], `x ${x}, y ${y}`);
  }
  model.dispose();
});

test('Grad-CAM looks at the finished maps of the last convolution, unless it is told where', () => {
  const { conv2d, averagePooling2d, dense, depthwiseConv2d, flatten, globalAveragePooling2d } = tf.layers;
  const { inputLayer, maxPooling2d, reLU } = tf.layers;
  const conv = (name: string) => conv2d({ name, filters: 2, kernelSize: 3, padding: 'same' });
  const pool = (name: string) => maxPooling2d({ name, poolSize: 2 });
  const end = () => [globalAveragePooling2d({ name: 'mean' }), dense({ name: 'out', units: 10 })];
  const modelOf = (...layers: tf.layers.Layer[]) =>
    tf.sequential({ layers: [inputLayer({ inputShape: [32, 32, 3] }), ...layers] });
  const expected: [tf.LayersModel, string][] = [
    [shallowCnn({ widths: [2, 2, 2] }), 'relu3'],
    [small(), 'norm6'],
    [deepCnn({ widths: [2, 2, 2, 2, 2, 2], batchNorm: false }), 'relu6'],
    [modelOf(conv('first'), pool('half'), conv('second'), ...end()), 'second'],
    [modelOf(conv('first'), pool('half'), conv('second'), reLU({ name: 'after' }), ...end()), 'after'],
    [
      modelOf(
        depthwiseConv2d({ name: 'only', kernelSize: 3 }),
        averagePooling2d({ name: 'half', poolSize: 2 }),
        flatten({ name: 'flat' }),
        dense({ name: 'out', units: 10 }),
      ),
      'only',
    ],
  ];
  for (const [model, name] of expected) {
    const hover = String(traces(gradCam(model, noise(1), ten))[0].text.at(-1));
    assert.match(hover, new RegExp(` in ${name}<br>`));
    model.dispose();
  }
});

test('the gradient at a layer is that of finite differences', () => {
  const model = small();
  const images = noise(1);
  const [layer, label] = [model.getLayer('conv5'), 4];
  const gradient = layerGradient(model, layer, images, (logits) => tf.sum(tf.slice(logits, [0, label], [1, 1])));
  // A bias adds the same to all places of its channel.
  const byChannel = tf.tidy(() => tf.sum(gradient, [0, 1, 2]).dataSync<'float32'>());
  gradient.dispose();
  const logitWith = (channel: number, change: number) => {
    const [kernel, bias] = layer.getWeights();
    const before = bias.dataSync().slice();
    const after = before.map((value, i) => (i === channel ? value + change : value));
    const logits = tf.tidy(() => {
      layer.setWeights([kernel, tf.tensor1d(after)]);
      const logits = logitsOf(model, images);
      layer.setWeights([kernel, tf.tensor1d(before)]);
      return logits;
    });
    const value = logits.dataSync()[label];
    logits.dispose();
    return value;
  };
  const largest = byChannel.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  assert.ok(largest > 1e-4, `${largest} is too small to be compared`);
  const step = 2e-3;
  for (let channel = 0; channel < 4; channel++) {
    const difference = (logitWith(channel, step) - logitWith(channel, -step)) / (2 * step);
    assert.ok(Math.abs(difference - byChannel[channel]) < 0.03 * largest, `channel ${channel}`);
  }
  model.dispose();
});

test('Grad-CAM leaves the model as it was, and each image its own, whatever stands beside it', async () => {
  const model = small();
  const images = noise(3);
  const before = await predict(model, images, { precision: 'float32' });
  const layer = model.getLayer('norm6');
  const together = classActivation(model, layer, images, [1, 2, 3]);
  const alone = classActivation(model, layer, { images: images.images.subarray(3072, 6144), size: 1 }, [2]);
  const [all, one] = [together.dataSync(), alone.dataSync()];
  one.forEach((value, i) => assert.ok(Math.abs(value - all[64 + i]) < 1e-5));
  tf.dispose([together, alone]);
  assert.deepEqual(await predict(model, images, { precision: 'float32' }), before);
  model.dispose();
});

test('Grad-CAM shows images above and heat below, of the class said or of the one asked for', () => {
  const model = small();
  const captions = captionsOf(gradCam(model, noise(5), ten, { images: [4, 1], className: 'cat' }));
  assert.deepEqual(captions.slice(0, 2), ['image 4<br>is deer', 'image 1<br>is automobile']);
  assert.equal(captions.length, 4);
  assert.match(captions[2], /^cat \d+\u00a0%$/);
  const logits = logitsOf(model, noise(1));
  const said = tf.tidy(() => ten[tf.argMax(logits, 1).dataSync()[0]]);
  logits.dispose();
  assert.match(captionsOf(gradCam(model, noise(5), ten))[5], new RegExp(`^${said} `));
  const both = captionsOf(gradCam(model, noise(5), ten, { images: [4, 4], className: ['cat', 'dog'] }));
  assert.deepEqual([both[2].split(' ')[0], both[3].split(' ')[0]], ['cat', 'dog']);
  model.dispose();
});

test('an unknown layer, class, image or option is refused with what there is', () => {
  const [model, flat] = [small(), linear({ widths: [4, 4] })];
  const images = noise(3);
  const layers = /expected one of conv1, relu1, norm1, .*, pool3, dropout3\.$/;
  assert.throws(() => activations(model, images, ten, { layer: 'conv7' }), layers);
  assert.throws(() => activations(model, images, ten, { layer: 'linear1' }), /linear1 gives no maps of height × width/);
  assert.throws(() => gradCam(model, images, ten, { layer: 'conv7' }), /gradCam: deepCnn has no layer conv7; expected/);
  assert.throws(() => activations(flat, images, ten), /no layer of linear gives maps .*; expected convolutions/);
  assert.throws(() => activations(model, images, ten, { image: 3 }), /activations: image 3; expected .* 0 to 2/);
  assert.throws(() => gradCam(model, images, ten, { images: [0, -1] }), /gradCam: image -1; expected .* 0 to 2/);
  assert.throws(() => gradCam(model, images, ten, { images: [] }), /images is \[\]; expected 1 to 8 numbers/);
  assert.throws(() => gradCam(model, images, ten, { className: 'cow' }), /no class cow; expected one of airplane, /);
  const two = { images: [0], className: ['cat', 'dog'] };
  assert.throws(
    () => gradCam(model, images, ten, two),
    /className names 2 classes; expected one for each of the 1 images/,
  );
  assert.throws(() => gradCam(model, images, names), /there are 3 class names; expected 10, as many as deepCnn tells/);
  // @ts-expect-error: no such option
  assert.throws(() => gradCam(model, images, ten, { clas: 'cat' }), /gradCam has no option clas; it has images, /);
  model.dispose();
  flat.dispose();
});

test('looking inside leaves no tensor behind, not when it fails either', () => {
  const model = small();
  const images = noise(2);
  const look = () => {
    firstFilters(model);
    activations(model, images, ten, { layer: 'norm3' });
    gradCam(model, images, ten, { images: [0, 1] });
    assert.throws(() => gradCam(model, images, ten, { layer: 'nothing' }));
  };
  look();
  const before = tf.memory().numTensors;
  look();
  assert.equal(tf.memory().numTensors, before);
  model.dispose();
});

test('each figure stays small', () => {
  const model = deepCnn({ seed: 1, widths: [64, 64, 4, 4, 4, 4] });
  const images = noise(8);
  const figures = [
    firstFilters(model),
    activations(model, images, ten, { count: 32 }),
    gradCam(model, images, ten, { images: [0, 1, 2, 3, 4, 5, 6, 7] }),
  ];
  for (const figure of figures) assert.ok(JSON.stringify(figure).length < 400_000);
  model.dispose();
});
