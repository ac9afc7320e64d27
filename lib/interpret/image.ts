// Pictures of one's own, as a network takes them.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import sharp from 'sharp';
import type { ImageArray, ImageShape } from '../data/dataset';
import { checkClasses, checkNumbers } from './checks';
import { logitsOf } from './layerMaps';

const KINDS = 'JPEG, PNG, WebP, GIF, AVIF, TIFF or SVG';
const MAX_PIXELS = 2 ** 28;

/**
 * A picture file of any size as one image: turned as the camera was held (EXIF), cropped to the middle, scaled; what is
 * transparent becomes white. A damaged file is read as far as it goes, with a warning.
 * @param file path of a JPEG, PNG, WebP, GIF, AVIF, TIFF or SVG file
 * @param imageShape [height, width, channels]; 1 channel is gray, 3 are red, green and blue. Default: [32, 32, 3]
 * @throws Error when it can't be read: there is no such file, it is a folder, empty, no picture, damaged or too large
 */
export async function readImage(file: string, imageShape: ImageShape = [32, 32, 3]): Promise<ImageArray> {
  const [height, width, channels] = imageShape;
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(`readImage: imageShape is [${imageShape.join(', ')}]; expected 1 or 3 channels.`);
  }
  const bytes = await readBytes(file);
  const decode = async (input: Buffer, failOn: 'none' | 'truncated' | 'warning') => {
    const picture = sharp(input, { failOn, limitInputPixels: MAX_PIXELS })
      .rotate()
      .resize(width, height, { fit: 'cover' })
      .flatten({ background: '#fff' })
      .removeAlpha()
      .toColourspace(channels === 1 ? 'b-w' : 'srgb');
    return { images: Uint8Array.from(await picture.raw().toBuffer()), size: 1, imageShape };
  };
  try {
    try {
      return await decode(bytes, 'truncated');
    } catch {
      // Where a JPEG file lacks nothing but its end marker, nothing of the picture is missing.
      const end = Buffer.from(bytes[0] === 0xff ? [0xff, 0xd9] : []);
      return await decode(Buffer.concat([bytes, end]), 'warning').catch(async () => {
        const partial = await decode(bytes, 'none');
        console.warn(`${file} is damaged or cut off; it is shown as far as it can be read.`);
        return partial;
      });
    }
  } catch (error) {
    throw new Error(`${file} ${problemOf(bytes, error as Error)}.`, { cause: error });
  }
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > 0) return bytes;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EISDIR')
      throw new Error(`${file} is a folder; expected the path of a picture file.`, { cause: error });
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new Error(`${file} can't be read: ${message}.`, { cause: error });
    throw new Error(`There is no file ${resolve(file)}.${hintFor(file)}`, { cause: error });
  }
  throw new Error(`${file} is empty: it has 0 bytes.`);
}

/** Why a path that looks right elsewhere is not found. */
function hintFor(file: string): string {
  if (file.startsWith('~')) {
    return ` Only a shell knows what ~ means: write the path in full, such as ${join(homedir(), file.slice(1))}.`;
  }
  if (/^[a-z]:[\\/]/i.test(file)) return ' That is a path of Windows; in WSL the drive C: is /mnt/c.';
  if (/^file:/i.test(file)) return ' That is a URL: leave out file://.';
  if (/^https?:/i.test(file)) return ' That is a web address: download the picture first.';
  return ' Expected the path of a picture file.';
}

function problemOf(bytes: Buffer, { message }: Error): string {
  if (/pixel limit/.test(message))
    return `has too many pixels; expected at most ${MAX_PIXELS.toLocaleString('en')}: make it smaller`;
  if (bytes.toString('latin1', 4, 8) === 'ftyp') return `is a HEIC or video file; convert it to JPEG or PNG`;
  if (/unsupported image format/.test(message)) return `is not a picture; expected a file of the kind ${KINDS}`;
  return `is damaged: it can't be decoded (${message.split('\n')[0].trim()})`;
}

export interface ImagePrediction {
  /** The name of the file. */
  readonly title: string;
  /** The picture as the network sees it. */
  readonly image: ImageArray;
  /** The most probable first. */
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
}

/**
 * What a model says of your own picture. `probabilityBars` draws it.
 * @param file path of a picture: see `readImage`
 * @throws Error when the file can't be read, with what is wrong with it
 * @throws RangeError when there are not as many class names as classes, or the model's training has diverged
 */
export async function predictImage(
  model: tf.LayersModel,
  file: string,
  classNames: readonly string[],
): Promise<ImagePrediction> {
  checkClasses('predictImage', model, classNames);
  const [, ...shape] = model.inputs[0].shape as number[];
  const image = await readImage(file, [shape[0], shape[1], shape[2]]);
  const probabilities = tf.tidy(() => {
    const logits = logitsOf(model, image);
    checkNumbers('predictImage', 'logits', logits.dataSync<'float32'>());
    return tf.softmax(logits).dataSync<'float32'>();
  });
  const classes = Array.from(probabilities, (probability, i) => ({ name: classNames[i], probability }));
  return { title: basename(file), image, classes: classes.sort((a, b) => b.probability - a.probability) };
}
