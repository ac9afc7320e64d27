// The floating point operations of a training step.
import type * as tf from '@tensorflow/tfjs-node';

/** Multiplications and additions that a convolution (stride 1, same size) takes; shapes [N, H, W, C] and [KH, KW, C, D]. */
export const convFlops = ([n, h, w]: number[], [kh, kw, c, d]: number[]): number => 2 * n * h * w * kh * kw * c * d;

/**
 * Floating point operations of the convolutions and linear layers in a training step: forward, the weights' gradients, and
 * the inputs' gradients, which the first layer does not need. The rest of a step is not counted: matrix units can't do it.
 */
export function stepFlops(model: tf.LayersModel, batch: number): number {
  const forward = model.layers.flatMap((layer) => {
    const kernel = layer.getWeights().find(({ shape }) => shape.length === 2 || shape.length === 4);
    if (!kernel) return [];
    const [, h = 1, w = 1] = kernel.shape.length === 4 ? (layer.outputShape as number[]) : [];
    const [c, d] = kernel.shape.slice(-2);
    const [kh, kw] = kernel.shape.length === 4 ? kernel.shape : [1, 1];
    return [convFlops([batch, h, w], [kh, kw, c, d])];
  });
  return 3 * forward.reduce((a, b) => a + b, 0) - forward[0];
}
