import { basename } from 'node:path';
import * as tf from '@tensorflow/tfjs-node';
import { percentBars } from '../charts/shares';
import { colors, type Figure, percent } from '../charts/theme';
import { checkClasses, checkNumbers } from './checks';
import { logitsOf } from './layerMaps';
import { readImage } from './readImage';

/**
 * What a model says of your own picture: the picture as the network sees it (see `readImage`), beside the probability of
 * each class, the highest on top.
 * @param file path of a JPEG or PNG file
 * @throws Error when the file can't be read: it says what is wrong with it
 * @throws RangeError when there are not as many class names as classes, or the model's training has diverged
 */
export function predictImage(model: tf.LayersModel, file: string, classNames: readonly string[]): Figure {
  checkClasses('predictImage', model, classNames);
  const image = readImage(file);
  const probabilities = tf.tidy(() => {
    const logits = logitsOf(model, image);
    checkNumbers('predictImage', 'logits', logits.dataSync<'float32'>());
    return tf.softmax(logits).dataSync();
  });
  const bars = classNames
    .map((name, index) => ({ name, value: probabilities[index] }))
    .sort((a, b) => b.value - a.value)
    .map(({ name, value }, rank) => ({
      name,
      value,
      text: percent(value),
      hover: `<b>${name}</b>: ${(100 * value).toFixed(2)} %`,
      color: rank === 0 ? colors.test : colors.train,
    }));
  const title = `${basename(file)}: ${bars[0].name}, ${bars[0].text}`;
  return percentBars(bars, { xTitle: 'probability (%)', title, image: image.images });
}
