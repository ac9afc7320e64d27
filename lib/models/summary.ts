import type * as tf from '@tensorflow/tfjs-node';
import { inputsOf, layersOf, shapeOf } from './define';

/** A model's layers as a table; its text form is drawn with characters. */
export interface Summary {
  /** kind, output shape, parameters and, of a model with branches, connected to. */
  readonly columns: readonly string[];
  /** The layers' names, then `total`. */
  readonly index: readonly string[];
  /** A row a layer. */
  readonly values: readonly (readonly [kind: string, outputShape: string, parameters: number, connectedTo?: string])[];
  toString(): string;
}

/**
 * What a model is made of: each layer with its output shape and its number of parameters (running statistics of batch
 * norms, which are not learned, counted too), and their sum; where a model is not a plain chain, also the layers that each is
 * connected to. `console.log(String(summary(model)))` prints it, `show(summary(model))` shows it as a table in a notebook.
 */
export function summary(model: tf.LayersModel): Summary {
  const layers = layersOf(model);
  const inputs = layers.map((layer) => inputsOf(model, layer));
  const isChain = inputs.every((from, i) => from.length === 1 && (i === 0 || from[0] === layers[i - 1]));
  const rows = layers.map((layer, i) => {
    const row = [layer.getClassName(), shapeText(layer.outputShape), layer.countParams()] as const;
    return isChain ? row : ([...row, inputs[i].map(({ name }) => name).join(', ')] as const);
  });
  const total = ['', '', model.countParams()] as const;
  const values = [...rows, isChain ? total : ([...total, ''] as const)];
  const index = [...layers.map(({ name }) => name), 'total'];
  const columns = ['kind', 'output shape', 'parameters', ...(isChain ? [] : ['connected to'])];
  return { columns, index, values, toString: () => drawTable(columns, index, values) };
}

/** N stands for the size of the batch. */
const shapeText = (shape: tf.Shape | tf.Shape[]): string =>
  `[${shapeOf(shape)
    .map((size) => size ?? 'N')
    .join(', ')}]`;

function drawTable(columns: readonly string[], index: readonly string[], values: Summary['values']): string {
  const texts = values.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : cell)));
  const lines = [['layer', ...columns], ...texts.map((row, i) => [index[i], ...(row as string[])])];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const aligned = (text: string, column: number) =>
    column === 3 ? text.padStart(widths[3]) : text.padEnd(widths[column]);
  return lines.map((line) => line.map(aligned).join('  ').trimEnd()).join('\n');
}
