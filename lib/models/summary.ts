import type * as tf from '@tensorflow/tfjs-node';
import { shapeOf } from './torchLayers';
import { layersOf } from './layers';

/** A model's layers as a table; its text form is drawn with characters. */
export interface Summary {
  readonly columns: readonly string[];
  /** The layers' names, then `total`. */
  readonly index: readonly string[];
  /** A row a layer: kind, output shape, number of parameters. */
  readonly values: readonly (readonly [kind: string, outputShape: string, parameters: number])[];
  toString(): string;
}

/**
 * What a model is made of: each layer with its output shape and its number of parameters (running statistics of batch
 * norms, which are not learned, counted too), and their sum. `console.log(String(summary(model)))` prints it,
 * `show(summary(model))` shows it as a table in a notebook.
 */
export function summary(model: tf.LayersModel): Summary {
  const layers = layersOf(model);
  const rows = layers.map(
    (layer) => [layer.getClassName(), shapeText(layer.outputShape), layer.countParams()] as const,
  );
  const values = [...rows, ['', '', model.countParams()] as const];
  const index = [...layers.map(({ name }) => name), 'total'];
  const columns = ['kind', 'output shape', 'parameters'];
  return { columns, index, values, toString: () => drawTable(columns, index, values) };
}

/** N stands for the size of the batch. */
function shapeText(shape: tf.Shape | tf.Shape[]): string {
  return `[${shapeOf(shape)
    .map((size) => size ?? 'N')
    .join(', ')}]`;
}

function drawTable(columns: readonly string[], index: readonly string[], values: Summary['values']): string {
  const lines = [
    ['layer', ...columns],
    ...values.map((row, i) => [index[i], row[0], row[1], row[2].toLocaleString('en')]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line.map((text, column) => (column === 3 ? text.padStart(widths[3]) : text.padEnd(widths[column]))).join('  '),
    )
    .join('\n');
}
