// A model's arrays under PyTorch's names, in PyTorch's shapes and layout: what `state_dict()` of the same network holds.
import * as tf from '@tensorflow/tfjs-node';
import { BatchNorm2d, shapeOf } from './torchLayers';
import { layersOf } from './layers';

/** Where an array of the model stands in PyTorch. */
export interface NamedParameter {
  /** PyTorch's name, such as `network.3.weight`. */
  readonly name: string;
  readonly variable: tf.Variable;
  /** In PyTorch's layout: convolution [out, in, height, width], linear [out, in]. */
  readonly shape: readonly number[];
  /** Whether it is learned; running statistics are not. */
  readonly trainable: boolean;
  readonly toTorch: (values: tf.Tensor) => tf.Tensor;
  readonly fromTorch: (values: tf.Tensor) => tf.Tensor;
}

const NAMES = ['weight', 'bias'];
const NORM_NAMES = ['weight', 'bias', 'running_mean', 'running_var'];

/**
 * The arrays of a model, in the order of PyTorch's state dict. The networks of the original are each one `nn.Sequential`,
 * whose layers are named by their place.
 */
export function namedParameters(model: tf.LayersModel): NamedParameter[] {
  // In the original's linear net, Flatten stands outside of the sequence.
  const [prefix, first] = model.name === 'linear' ? ['linear_relu_stack', 1] : ['network', 0];
  const layers = layersOf(model);
  return layers.flatMap((layer, place) => {
    const names = namesOf(layer);
    return layer.weights.map((weight, index) => {
      const variable = weight.read() as tf.Variable;
      return {
        name: `${prefix}.${place - first}.${names[index]}`,
        variable,
        // A layer that was frozen says so itself: building a model sets the flags of its weights back.
        trainable: weight.trainable && layer.trainableWeights.includes(weight),
        ...layout(variable.shape, flattenedArea(layers.slice(0, place))),
      };
    });
  });
}

/** Those that an optimiser moves. */
export const trainableParameters = (slots: readonly NamedParameter[]): NamedParameter[] =>
  slots.filter(({ trainable }) => trainable);

/** PyTorch's names of a layer's arrays; tfjs's own, of a layer that PyTorch's networks here don't have. */
function namesOf(layer: tf.layers.Layer): string[] {
  if (layer instanceof BatchNorm2d) return NORM_NAMES;
  if (layer.weights.length <= NAMES.length) return NAMES;
  const names = layer.weights.map(({ originalName }) => originalName.slice(originalName.lastIndexOf('/') + 1));
  // A layer that holds layers has several of a name.
  return names.map((name, index) => {
    const earlier = names.slice(0, index).filter((other) => other === name).length;
    return earlier === 0 ? name : `${name}_${earlier + 1}`;
  });
}

/** [H, W, C] of maps that were flattened to what the layers give, be there dropout or an activation in between. */
function flattenedArea(layers: readonly tf.layers.Layer[]): number[] | undefined {
  const last = layers.at(-1);
  if (!last) return undefined;
  const [{ inputShapes, outputShapes }] = last.inboundNodes;
  const [input, output] = [inputShapes, outputShapes].map(shapeOf);
  if (last.getClassName() === 'Flatten') return input.length === 4 ? (input.slice(1) as number[]) : undefined;
  const keepsPlaces = last.weights.length === 0 && String(input) === String(output);
  return keepsPlaces ? flattenedArea(layers.slice(0, -1)) : undefined;
}

type Layout = Pick<NamedParameter, 'shape' | 'toTorch' | 'fromTorch'>;

function layout(shape: number[], area: number[] | undefined): Layout {
  if (shape.length === 4) return permuted(shape, [3, 2, 0, 1], [2, 3, 1, 0]);
  if (shape.length === 2 && area) return afterFlatten(shape, area);
  if (shape.length === 2) return permuted(shape, [1, 0], [1, 0]);
  return { shape, toTorch: (values) => values.clone(), fromTorch: (values) => values.clone() };
}

const permuted = (shape: number[], toTorch: number[], fromTorch: number[]): Layout => ({
  shape: toTorch.map((axis) => shape[axis]),
  toTorch: (values) => tf.transpose(values, toTorch),
  fromTorch: (values) => tf.transpose(values, fromTorch),
});

/** PyTorch flattens [C, H, W], we [H, W, C]. */
const afterFlatten = ([inputs, outputs]: number[], [height, width, channels]: number[]): Layout => ({
  shape: [outputs, inputs],
  toTorch: (values) =>
    tf.tidy(() =>
      tf.transpose(values.reshape([height, width, channels, outputs]), [3, 2, 0, 1]).reshape([outputs, inputs]),
    ),
  fromTorch: (values) =>
    tf.tidy(() =>
      tf.transpose(values.reshape([outputs, channels, height, width]), [2, 3, 1, 0]).reshape([inputs, outputs]),
    ),
});
