// What must be the same for a run to go on bit for bit.
import { createHash } from 'node:crypto';
import type * as tf from '@tensorflow/tfjs-node';
import type { Split } from '../data/dataset';
import { resolvePrecision } from '../engine/precision';
import { definitionOf } from '../models/define';
import type { TrainOptions } from '../training/options';
import type { Optimizer, ParameterGroup } from '../training/optimizers';
import { isGroups } from '../training/step';
import { describeHyperparameter, type Hyperparameter } from '../util/hyperparameters';

type Description = Readonly<Record<string, unknown>>;

export interface RunFingerprint {
  /** Settings, shape and inputs of each layer, normalization, and the seed of the initial weights. */
  readonly model: {
    readonly seed: number | null;
    readonly normalization: unknown;
    readonly layers: readonly Description[];
  };
  /** sha256 of all images and labels. */
  readonly data: string;
  readonly options: Description;
}

/** What differs between two runs, a line each. */
export function diffFingerprints(saved: RunFingerprint, now: RunFingerprint): string[] {
  return [
    ...differences('', saved.options, now.options),
    ...modelDifferences(saved.model, now.model),
    ...(saved.data === now.data ? [] : ['the data (sha256) is another one']),
  ];
}

function differences(prefix: string, before: Description, after: Description): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [a, b] = [before, after].map((values) => JSON.stringify(values[name] ?? null));
    if (a === b) return [];
    return [`${prefix}${name} ${a.length + b.length < 400 ? `was ${a}, is ${b}` : 'is another one'}`];
  });
}

/** The first layer that differs stands for all. */
function modelDifferences(before: RunFingerprint['model'], after: RunFingerprint['model']): string[] {
  const own = ({ seed, normalization }: RunFingerprint['model']) => ({ seed, normalization });
  const seeds = differences("the model's ", own(before), own(after));
  if (before.layers.length !== after.layers.length) {
    return [...seeds, `the model had ${before.layers.length} layers, has ${after.layers.length}`];
  }
  const layers = after.layers.map((layer, index) =>
    differences(`layer ${index + 1} of the model: `, before.layers[index], layer),
  );
  return [...seeds, ...(layers.find((lines) => lines.length > 0) ?? [])];
}

/** Options that decide how a run goes. How many epochs there are counts where a function of progress sees it. */
export function describeOptions(options: TrainOptions): Record<string, unknown> {
  const { optimizer, loss, augment, batchSize, shuffle, seed, compiled, epochs } = options;
  const groups: readonly ParameterGroup[] = isGroups(optimizer) ? optimizer : [{ use: optimizer }];
  const hyperparameters = [...groups.map(({ use }) => use), loss, ...augment].flatMap((part) =>
    Object.values(part.hyperparameters ?? {}),
  );
  return {
    ...Object.fromEntries(groups.flatMap((group, index) => describeGroup(group, index, groups.length))),
    loss: describePart(loss),
    augment: augment.map(describePart),
    ...{ batchSize, shuffle, seed, compiled },
    precision: compiled ? resolvePrecision(options.precision) : 'float32',
    ...(hyperparameters.some(isScheduled) && { epochs }),
  };
}

/** A function that takes no progress reads something that may change at any time. */
const isScheduled = (value: Hyperparameter): boolean => typeof value === 'function' && value.length > 0;

function describeGroup(
  { where, use }: ParameterGroup,
  index: number,
  groups: number,
): [name: string, value: unknown][] {
  const prefix = groups === 1 ? '' : `group ${index + 1}: `;
  const { name, hyperparameters, update }: Optimizer = use;
  const entries: [string, unknown][] = [
    ['optimizer', name],
    ['formulas', hashOf(String(update))],
  ];
  if (where) entries.push(['where', String(where)]);
  entries.push(...Object.entries(hyperparameters).map(([key, value]): [string, unknown] => [key, describe(value)]));
  return entries.map(([key, value]) => [prefix + key, value]);
}

const describe = (value: Hyperparameter): unknown =>
  typeof value === 'number' ? value : describeHyperparameter(value);

/** A function's text, or what its own toString says, and its hyperparameters where that does not tell them. */
function describePart(part: { readonly hyperparameters?: Readonly<Record<string, Hyperparameter>> }): unknown {
  const tellsAll = Object.hasOwn(part, 'toString');
  const told = Object.entries(part.hyperparameters ?? {}).filter(
    ([, value]) => !tellsAll || typeof value === 'function',
  );
  const texts = told.map(([name, value]) => [name, describe(value)]);
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- it is a function
  return texts.length === 0 ? String(part) : [String(part), Object.fromEntries(texts)];
}

/** Settings, shape and inputs (by their places) of each layer, normalization, and the seed of the initial weights. */
export function describeModel(model: tf.LayersModel): RunFingerprint['model'] {
  const { seed = null, normalization = null } = definitionOf(model) ?? {};
  return { seed, normalization, layers: describeLayers(model) };
}

function describeLayers({ layers }: tf.LayersModel): Description[] {
  const places = new Map(layers.map(({ name }, index) => [name, index + 1]));
  return layers.map((layer) => {
    const from = layer.inboundNodes.flatMap(({ inboundLayers }) => inboundLayers.map(({ name }) => places.get(name)));
    const common = { kind: layer.getClassName(), shape: layer.outputShape, from };
    if ('layers' in layer) return { ...common, layers: describeLayers(layer as tf.LayersModel) };
    const { name, ...config } = layer.getConfig() as Description;
    const settings = Object.entries(config).filter(([key]) => !key.endsWith('Initializer'));
    // Random numbers depend on the name of a dropout; other names tfjs may have counted up.
    const dropout = 'rate' in config ? { name, rate: Number((config.rate as number).toPrecision(6)) } : {};
    return { ...common, ...Object.fromEntries(settings), ...dropout };
  });
}

export function hashSplits(splits: readonly (Split | undefined)[]): string {
  const hash = createHash('sha256');
  for (const split of splits) if (split) hash.update(split.images).update(split.labels);
  return hash.digest('hex');
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
