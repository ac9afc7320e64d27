import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-node';
import { augment, compile, normalize } from 'cifar10';
import { uint8Tensor } from 'cifar10/engine';
import { castTo } from 'cifar10/engine';

const COUNT = 64;
const images = Uint8Array.from({ length: COUNT * 3072 }, (_, i) => (i * 2654435761) >>> 24);
const pixel = (n: number, y: number, x: number, c: number): number =>
  y < 0 || y > 31 || x < 0 || x > 31 ? 0 : images[((n * 32 + y) * 32 + x) * 3 + c];

/** What torchvision's RandomCrop(32, padding) at (top, left) and a flip make of image n. */
function reference(n: number, top: number, left: number, flip: boolean, padding: number): Uint8Array {
  const out = new Uint8Array(3072);
  for (let y = 0; y < 32; y++) {
    for (let x = 0; x < 32; x++) {
      const column = flip ? 31 - x : x;
      for (let c = 0; c < 3; c++) out[(y * 32 + x) * 3 + c] = pixel(n, y + top - padding, column + left - padding, c);
    }
  }
  return out;
}

/** Runs augment on all images, eagerly or compiled, and gives the bytes. */
function run(key: number[], options: { crop: number; flip: boolean }, compiled: boolean): Uint8Array {
  const fn = (x: tf.Tensor, key: tf.Tensor) => ({ y: castTo(augment(x, key as tf.Tensor1D, options), 3) });
  const [x, k] = [uint8Tensor(images, [COUNT, 32, 32, 3]), tf.tensor1d(key, 'int32')];
  const program = compiled ? compile({ fn }, { precision: 'float32' }) : undefined;
  const y = tf.tidy(() => (program ?? { fn }).fn(x, k).y);
  const bytes = Uint8Array.from(y.dataSync());
  program?.dispose();
  tf.dispose([x, k, y]);
  return bytes;
}

for (const compiled of [false, true]) {
  test(`each image is one of the crops and flips of the reference, to the byte (${compiled ? 'compiled' : 'eager'})`, () => {
    const out = run([5, 6], { crop: 4, flip: true }, compiled);
    const found = new Map<string, number>();
    for (let n = 0; n < COUNT; n++) {
      const image = Buffer.from(out.subarray(n * 3072, (n + 1) * 3072));
      const matches = [];
      for (let top = 0; top <= 8; top++) {
        for (let left = 0; left <= 8; left++) {
          for (const flip of [false, true]) {
            if (image.equals(reference(n, top, left, flip, 4))) matches.push(`${top} ${left} ${flip}`);
          }
        }
      }
      assert.equal(matches.length, 1, `image ${n} matches ${matches.length} crops`);
      found.set(matches[0], (found.get(matches[0]) ?? 0) + 1);
    }
    assert.ok(found.size > COUNT / 2, 'images are cropped differently');
    const flipped = [...found.keys()].filter((key) => key.endsWith('true')).length;
    assert.ok(flipped > 15 && flipped < 49, `${flipped} of ${COUNT} are flipped`);
  });
}

test('whole numbers are cropped and flipped as bytes are, eager and compiled', () => {
  const options = { crop: 4, flip: true };
  const fn = (x: tf.Tensor, key: tf.Tensor) => ({ y: augment(x, key as tf.Tensor1D, options) });
  const [x, key] = [tf.tensor(images, [COUNT, 32, 32, 3], 'int32'), tf.tensor1d([5, 6], 'int32')];
  const program = compile({ fn }, { precision: 'float32' });
  for (const { y } of [tf.tidy(() => fn(x, key)), program.fn(x, key)]) {
    assert.equal(y.dtype, 'int32');
    assert.deepEqual(Uint8Array.from(y.dataSync()), run([5, 6], options, false));
    y.dispose();
  }
  program.dispose();
  tf.dispose([x, key]);
});

test('the same key gives the same images, another one others; eager and compiled agree', () => {
  const options = { crop: 4, flip: true };
  assert.deepEqual(run([5, 6], options, true), run([5, 6], options, false));
  assert.notDeepEqual(run([5, 7], options, false), run([5, 6], options, false));
});

test('without crop and flip images stay as they are; each can be had alone', () => {
  assert.deepEqual(run([1, 2], { crop: 0, flip: false }, false), images);
  assert.deepEqual(run([1, 2], { crop: 0, flip: false }, true), images);
  const flipped = run([1, 2], { crop: 0, flip: true }, false);
  for (let n = 0; n < COUNT; n++) {
    const image = Buffer.from(flipped.subarray(n * 3072, (n + 1) * 3072));
    assert.ok(image.equals(reference(n, 4, 4, false, 4)) || image.equals(reference(n, 4, 4, true, 4)));
  }
});

test('normalise maps 0 to −1 and 255 to 1, as ToTensor and Normalize(0.5, 0.5)', () => {
  tf.tidy(() => {
    const x = normalize(uint8Tensor(Uint8Array.from([0, 51, 255]), [3]));
    [-1, -0.6, 1].forEach((value, i) => assert.ok(Math.abs(x.dataSync()[i] - value) < 1e-6));
  });
});
