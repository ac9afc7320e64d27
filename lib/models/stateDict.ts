// A model's arrays under PyTorch's names, in PyTorch's shapes and layout: what `state_dict()` of the same network holds.
import * as tf from '@tensorflow/tfjs-node';
import type { TensorEntry, Tensors } from '../util/safetensors';
import { BatchNorm } from './layers';
import { definitionOf, layersOf, nodesIn, weightName } from './define';

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

/**
 * The arrays of a model, in the order of PyTorch's state dict. Layers of `defineModel` have the names of their places in PyTorch
 * (network.4.0.weight), those of other models their own names (conv1.weight), behind the name of the model that they are nested
 * in. Layers that were left to tfjs to name are numbered by kind, so that a model made anew has the same names.
 */
export function namedParameters(model: tf.LayersModel): NamedParameter[] {
  const learned = new Set(model.trainableWeights);
  return layersWithPaths(model).flatMap(({ layer, path, order }) => {
    const names = parameterNames(layer);
    return layer.weights.map((weight, index) => {
      const variable = weight.read() as tf.Variable;
      const isKernel = weightName(weight) === 'kernel';
      const ordered = isKernel || isNorm(layer) ? order : undefined;
      return {
        name: `${path}.${names[index]}`,
        variable,
        trainable: learned.has(weight),
        ...layout(variable.shape, isKernel, ordered),
      };
    });
  });
}

/** Those that an optimizer moves. */
export const trainableParameters = (parameters: readonly NamedParameter[]): NamedParameter[] =>
  parameters.filter(({ trainable }) => trainable);

/** Copies a model's arrays out. */
export function stateDict(parameters: readonly NamedParameter[]): Tensors {
  return new Map(
    parameters.map(({ name, variable, shape, toTorch }): [string, TensorEntry] => {
      let data!: Float32Array;
      // Not as the result of tidy: it would look for tensors in each element of the array, a second for each million.
      tf.tidy(() => {
        data = toTorch(variable).dataSync<'float32'>();
      });
      return [name, { shape, data }];
    }),
  );
}

/**
 * Copies arrays in; all of them or, when they don't fit, none. PyTorch's `num_batches_tracked`, which nothing here needs, may
 * be there; so may the prefix that DataParallel (`module.`) or torch.compile (`_orig_mod.`) puts before all names.
 * @param source where they come from, for the error
 * @throws Error when arrays are missing, unexpected or of another shape: it names them
 */
export function loadStateDict(parameters: readonly NamedParameter[], tensors: Tensors, source: string): void {
  const given = withoutPrefix(tensors);
  const names = new Set(parameters.map(({ name }) => name));
  const problems = [...given.keys()]
    .filter((name) => !names.has(name) && !name.endsWith('.num_batches_tracked'))
    .map((name) => `${name} is not in the model`);
  for (const { name, shape } of parameters) {
    const entry = given.get(name);
    if (!entry) problems.push(`${name} is missing`);
    else if (entry.shape.join() !== shape.join()) {
      problems.push(`${name} has shape [${entry.shape.join(', ')}], the model [${shape.join(', ')}]`);
    } else if (!(entry.data instanceof Float32Array)) problems.push(`${name} does not hold float32 values`);
  }
  if (problems.length > 0) {
    const shown = problems.slice(0, 8).map((problem) => `\n  ${problem}`);
    const more = problems.length > shown.length ? `\n  and ${problems.length - shown.length} more` : '';
    throw new Error(`${source} is not of this model:${shown.join('')}${more}\nMake the model that was saved.`);
  }
  for (const { name, variable, shape, fromTorch } of parameters) {
    const { data } = given.get(name) as TensorEntry & { data: Float32Array };
    tf.tidy(() => variable.assign(fromTorch(tf.tensor(data, [...shape]))));
  }
}

function withoutPrefix(tensors: Tensors): Tensors {
  const prefix = ['module.', '_orig_mod.'].find((each) => [...tensors.keys()].every((name) => name.startsWith(each)));
  if (prefix === undefined || tensors.size === 0) return tensors;
  return withoutPrefix(new Map([...tensors].map(([name, entry]) => [name.slice(prefix.length), entry])));
}

const PYTORCH_NAMES: Readonly<Record<string, string>> = {
  ...{ kernel: 'weight', gamma: 'weight', beta: 'bias', runningMean: 'running_mean', runningVar: 'running_var' },
  ...{ moving_mean: 'running_mean', moving_variance: 'running_var' },
};

/** PyTorch's names of a layer's arrays; tfjs's own, where PyTorch has none. */
function parameterNames({ weights }: tf.layers.Layer): string[] {
  const names = weights.map((weight) => PYTORCH_NAMES[weightName(weight)] ?? weightName(weight));
  // A layer that holds layers has several of a name.
  return names.map((name, index) => {
    const earlier = names.slice(0, index).filter((other) => other === name).length;
    return earlier === 0 ? name : `${name}_${earlier + 1}`;
  });
}

/**
 * PyTorch flattens [C, H, W], we [H, W, C]. The order of a vector of features has, for each of PyTorch's places, ours; it is
 * undefined where both are the same.
 */
type Order = readonly number[] | undefined;
type Orders = ReadonlyMap<tf.SymbolicTensor, Order>;

interface LayerWithPath {
  readonly layer: tf.layers.Layer;
  readonly path: string;
  /** Of the layer's input. */
  readonly order: Order;
}

/** The layers of a model, those of nested models in their places. @param orders of the model's inputs */
function layersWithPaths(model: tf.LayersModel, orders: Orders = new Map(), outer = ''): LayerWithPath[] {
  const paths = definitionOf(model)?.paths ?? stableNames(model);
  return layersOf(model).flatMap((layer) => {
    const path = outer + (paths[layer.name] ?? layer.name);
    const node = nodesIn(model, layer).at(0); // a sequential that begins a sequential has none
    const given = (node?.inputTensors ?? []).map((tensor) => orderOf(tensor, orders));
    return layer instanceof tf.LayersModel
      ? layersWithPaths(layer, ordersInside(layer, given), `${path}.`)
      : [{ layer, path, order: given.at(0) }];
  });
}

/** Numbers by kind for names that tfjs made: it counts all layers of the process. */
function stableNames(model: tf.LayersModel): Record<string, string> {
  const taken = new Set(model.layers.map(({ name }) => name));
  const numbered = model.layers.flatMap((layer) => {
    const kind = new RegExp(`^(.+)_${layer.getClassName()}\\d+$|^(sequential)_\\d+$|^(model)\\d+$`).exec(layer.name);
    if (!kind) return [];
    let number = 1;
    const next = () => `${kind[1] ?? kind[2] ?? kind[3]}${number++}`;
    let name = next();
    while (taken.has(name)) name = next();
    taken.add(name);
    return [[layer.name, name]];
  });
  return Object.fromEntries(numbered) as Record<string, string>;
}

const ordersInside = ({ inputs }: tf.LayersModel, given: readonly Order[]): Orders =>
  new Map(inputs.map((input, index) => [input, given[index]]));

const isNorm = (layer: tf.layers.Layer): boolean =>
  layer instanceof BatchNorm || layer.getClassName() === 'BatchNormalization';

/** Follows the graph back to where the features were flattened. */
function orderOf(tensor: tf.SymbolicTensor, orders: Orders): Order {
  if (orders.has(tensor)) return orders.get(tensor);
  const { sourceLayer: layer, nodeIndex, tensorIndex, shape } = tensor;
  if (shape.length !== 2 || layer.getClassName() === 'InputLayer') return undefined;
  const { inputTensors: inputs } = layer.inboundNodes[nodeIndex];
  const kind = layer.getClassName();
  if ((kind === 'Flatten' || kind === 'Reshape') && inputs[0].shape.length === 4) return channelsFirst(inputs[0].shape);
  const given = inputs.map((input) => orderOf(input, orders));
  if (layer instanceof tf.LayersModel) return orderOf(layer.outputs[tensorIndex], ordersInside(layer, given));
  if (kind === 'Concatenate') return concatenated(inputs, given);
  const keepsPlaces = layer.weights.length === 0 || isNorm(layer);
  const areAlike = inputs.every(
    (input, i) => String(input.shape) === String(shape) && String(given[i]) === String(given[0]),
  );
  return keepsPlaces && areAlike ? given[0] : undefined;
}

function channelsFirst([, height, width, channels]: tf.Shape): Order {
  const area = (height as number) * (width as number);
  if (area === 1) return undefined;
  const size = area * (channels as number);
  return Array.from({ length: size }, (_, i) => (i % area) * (channels as number) + Math.floor(i / area));
}

function concatenated(inputs: readonly tf.SymbolicTensor[], given: readonly Order[]): Order {
  if (given.every((order) => order === undefined)) return undefined;
  let before = 0;
  return inputs.flatMap(({ shape }, i) => {
    const [offset, size] = [before, shape[1] as number];
    before += size;
    return Array.from({ length: size }, (_, place) => offset + (given[i]?.[place] ?? place));
  });
}

/** @param order of the rows of a kernel [inputs, outputs], or of a vector */
function layout(
  shape: number[],
  isKernel: boolean,
  order: Order,
): Pick<NamedParameter, 'shape' | 'toTorch' | 'fromTorch'> {
  const axes = shape.map((_, axis) => axis);
  // […, in, out] ↔ [out, in, …]
  const toTorch = isKernel ? [...axes.slice(-2).reverse(), ...axes.slice(0, -2)] : axes;
  const fromTorch = isKernel ? [...axes.slice(2), ...axes.slice(0, 2).reverse()] : axes;
  const inverse = order && inverseOf(order);
  const reorder = (values: tf.Tensor, by: Order) => (by ? tf.gather(values, tf.tensor1d([...by], 'int32')) : values);
  return {
    shape: toTorch.map((axis) => shape[axis]),
    toTorch: (values) => tf.tidy(() => tf.transpose(reorder(values, order), toTorch)),
    fromTorch: (values) => tf.tidy(() => reorder(tf.transpose(values, fromTorch), inverse)),
  };
}

function inverseOf(order: readonly number[]): number[] {
  const inverse = Array<number>(order.length);
  order.forEach((ours, torch) => (inverse[ours] = torch));
  return inverse;
}
