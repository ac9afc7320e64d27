import { readFileSync, type Stats, statSync } from 'node:fs';
import { resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { PNG } from 'pngjs';
import type { ImageArray } from '../data/dataset';
import { IMAGE_SHAPE } from '../data/files';
import { type ImageHeader, readHeader } from './imageFile';

const SIDE = 32; // px of the result
const MAX_BYTES = 64 * 2 ** 20;
const MAX_PIXELS = 64e6; // the largest pictures of most phones; decoded, a PNG of that size takes 256 MB

/**
 * An image file as the networks here take it: turned as the camera was held (EXIF), cropped to the square in its middle, and
 * scaled to 32 × 32 pixels, each the mean of the area that it covers (so that fine patterns do not turn into others). What is
 * transparent becomes white; 16 bits a colour become 8.
 * @param file path of a JPEG or PNG file of any size up to 64 million pixels and 64 MB
 * @returns a split of one image, without a label: for `predict` and `imageGrid`
 * @throws Error when it can't be read: there is no such file, it is a folder, no such image, damaged or too large
 */
export function readImage(file: string): ImageArray {
  const bytes = readBytes(file);
  try {
    const header = readHeader(bytes);
    const { width, height, kind } = header;
    if (width * height > MAX_PIXELS) {
      throw new Error(
        `has ${count(width)} × ${count(height)} pixels; expected at most ${count(MAX_PIXELS)} in all: make it smaller`,
      );
    }
    if (width * height === 0) throw new Error('is damaged: it has no pixels');
    const square = shrink(kind === 'PNG' ? decodePng(bytes) : decodeJpeg(bytes, header));
    return { images: turn(square, header.orientation), size: 1, imageShape: IMAGE_SHAPE };
  } catch (error) {
    throw new Error(`${file} ${(error as Error).message}.`, { cause: error });
  }
}

function readBytes(file: string): Buffer {
  let stat: Stats | undefined;
  try {
    stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isFile() && stat.size <= MAX_BYTES) return readFileSync(file);
  } catch (error) {
    throw new Error(`${file} can't be read: ${(error as Error).message}.`, { cause: error });
  }
  if (!stat) throw new Error(`There is no file ${resolve(file)}; expected the path of a JPEG or PNG file.`);
  if (!stat.isFile()) throw new Error(`${file} is no file; expected the path of a JPEG or PNG file.`);
  throw new Error(`${file} has ${count(stat.size / 2 ** 20)} MB; expected at most 64: make it smaller.`);
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Rows of pixels of `channels` bytes. */
  readonly data: ArrayLike<number>;
  /** 3, or 4 with opacity. */
  readonly channels: 3 | 4;
}

function decodePng(bytes: Buffer): Pixels {
  try {
    const { width, height, data } = PNG.sync.read(bytes);
    return { width, height, data, channels: 4 };
  } catch (error) {
    throw new Error(`is damaged: a PNG file that can't be decoded (${(error as Error).message})`, { cause: error });
  }
}

/** Large ones are decoded at a half, a quarter or an eighth of their size, the mean of as many pixels: quick, and small. */
function decodeJpeg(bytes: Buffer, header: ImageHeader): Pixels {
  const ratio = [8, 4, 2].find((ratio) => Math.min(header.width, header.height) / ratio >= 8 * SIDE) ?? 1;
  try {
    const pixels = tf.node.decodeJpeg(bytes, 3, ratio);
    const [height, width] = pixels.shape;
    const data = pixels.dataSync();
    pixels.dispose();
    return { width, height, data, channels: 3 };
  } catch (error) {
    throw new Error("is damaged or cut off: a JPEG file that can't be decoded", { cause: error });
  }
}

/**
 * The square in the middle at 32 × 32 pixels: each is the mean over its area, in which pixels on the edge count as far as
 * they reach in.
 */
function shrink({ width, height, data, channels }: Pixels): Uint8Array {
  const side = Math.min(width, height);
  const columns = spans((width - side) / 2, side);
  const rows = spans((height - side) / 2, side);
  const result = new Uint8Array(SIDE * SIDE * 3);
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      const sum = [0, 0, 0];
      for (const { at: top, weight: share } of row) {
        for (const { at: left, weight } of column) {
          const from = (top * width + left) * channels;
          const opacity = channels === 4 ? data[from + 3] / 255 : 1;
          for (let color = 0; color < 3; color++) {
            sum[color] += share * weight * (opacity * data[from + color] + (1 - opacity) * 255);
          }
        }
      }
      sum.forEach((value, color) => (result[(y * SIDE + x) * 3 + color] = Math.round(value)));
    });
  });
  return result;
}

/** For each of the 32 pixels: which pixels it covers along one direction, and how much each counts; together 1. */
function spans(from: number, side: number): { at: number; weight: number }[][] {
  const step = side / SIDE;
  return Array.from({ length: SIDE }, (_, i) => {
    const [start, end] = [from + i * step, from + (i + 1) * step];
    const covered: { at: number; weight: number }[] = [];
    for (let at = Math.floor(start); at < end; at++) {
      const weight = (Math.min(at + 1, end) - Math.max(at, start)) / step;
      if (weight > 1e-9) covered.push({ at, weight });
    }
    return covered;
  });
}

/** Turns and mirrors the square, as EXIF's orientation asks for. */
function turn(square: Uint8Array, orientation: number): Uint8Array {
  const last = SIDE - 1;
  /** Where the pixel at (x, y) of the upright picture is stored. */
  const stored = (x: number, y: number): [number, number] => {
    switch (orientation) {
      case 2:
        return [last - x, y];
      case 3:
        return [last - x, last - y];
      case 4:
        return [x, last - y];
      case 5:
        return [y, x];
      case 6:
        return [y, last - x];
      case 7:
        return [last - y, last - x];
      case 8:
        return [last - y, x];
      default:
        return [x, y];
    }
  };
  const result = new Uint8Array(square.length);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [left, top] = stored(x, y);
      const from = (top * SIDE + left) * 3;
      result.set(square.subarray(from, from + 3), (y * SIDE + x) * 3);
    }
  }
  return result;
}

const count = (value: number): string => Math.ceil(value).toLocaleString('en');
