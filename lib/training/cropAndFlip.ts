import * as tf from '@tensorflow/tfjs-node';
import { randomUniform, transformImages } from '../engine/ops/ops';
import { foldIn } from '../engine/ops/random';

export interface CropAndFlip {
  /** Pixels of black border, from 0 on: the image is cut out of the enlarged one at a random place. */
  readonly crop: number;
  /** Whether half of the images are mirrored left to right. */
  readonly flip: boolean;
}

/**
 * Random crops and flips, another one for each image, as torchvision's RandomCrop(32, padding) and
 * RandomHorizontalFlip(0.5); all in one pass over the bytes.
 * @param images uint8 or int32 [N, H, W, C]
 * @param key [2], int32: the same key gives the same crops and flips
 * @returns the same shape and type
 */
export function cropAndFlip(images: tf.Tensor, key: tf.Tensor1D, { crop, flip }: CropAndFlip): tf.Tensor {
  if (crop === 0 && !flip) return images.clone();
  return tf.tidy(() => cropAndFlipBy(images, key, { crop: tf.scalar(crop), flip: tf.scalar(Number(flip)) }));
}

/** The same with `crop` and `flip` (1 or 0) as scalars: a compiled step can take them as inputs. */
export function cropAndFlipBy(
  images: tf.Tensor,
  key: tf.Tensor1D,
  { crop, flip }: { crop: tf.Scalar; flip: tf.Scalar },
): tf.Tensor {
  return tf.tidy(() => {
    const [batch, , width] = images.shape;
    const uniform = randomUniform([batch, 3], foldIn(key, 'augment'));
    const [left, top, coin] = tf.unstack(uniform, 1) as tf.Tensor1D[];
    const offset = (u: tf.Tensor1D) => tf.sub(tf.floor(tf.mul(u, tf.add(tf.mul(crop, 2), 1))), crop);
    const zero = tf.zerosLike(coin);
    const one = tf.onesLike(coin);
    const mirrored = tf.mul(tf.cast(tf.less(coin, 0.5), 'float32'), flip);
    // Output pixel (x, y) shows input pixel (a0·x + a2, y + b2).
    const a0 = tf.sub(one, tf.mul(mirrored, 2));
    const a2 = tf.add(tf.mul(mirrored, width - 1), offset(left));
    const b2 = offset(top);
    return transformImages(
      images as tf.Tensor4D,
      tf.stack([a0, zero, a2, zero, one, b2, zero, zero], 1) as tf.Tensor2D,
    );
  });
}
