// What must be the same for a run to go on bit for bit.
import { createHash } from 'node:crypto';
import type * as tf from '@tensorflow/tfjs-node';
import type { Split } from '../data/dataset';
import { initialSeed } from '../models/define';
import { KeyedDropout } from '../models/layers';
import { resolvePrecision } from '../engine/precision';
import type { TrainOptions } from '../training/options';

export interface RunFingerprint {
  readonly model: ModelIdentity;
  /** sha256 of all images and labels. */
  readonly data: string;
  readonly options: Record<string, unknown>;
}

interface ModelIdentity {
  /** Of the initial weights, where the model is one of this library's. */
  readonly seed: number | null;
  /** A text for each layer. */
  readonly layers: readonly string[];
}

/** What differs between two runs, a line each. */
export function diffFingerprints(saved: RunFingerprint, now: RunFingerprint): string[] {
  const lines: string[] = [];
  const compare = (name: string, before: unknown, after: unknown) => {
    const [a, b] = [JSON.stringify(before), JSON.stringify(after)];
    if (a !== b) lines.push(a.length + b.length < 400 ? `${name} was ${a}, is ${b}` : `${name} is another one`);
  };
  for (const name of new Set([...Object.keys(saved.options), ...Object.keys(now.options)])) {
    compare(name, saved.options[name] ?? null, now.options[name] ?? null);
  }
  lines.push(...modelDifferences(saved.model, now.model));
  compare('the data (sha256)', saved.data, now.data);
  return lines;
}

/** The first layer that differs stands for all. */
function modelDifferences(before: ModelIdentity, after: ModelIdentity): string[] {
  if (!Array.isArray(before.layers)) return ['the checkpoint is of an earlier version of this library'];
  const seeds = before.seed === after.seed ? [] : [`the model's seed was ${before.seed}, is ${after.seed}`];
  if (before.layers.length !== after.layers.length) {
    return [...seeds, `the model had ${before.layers.length} layers, has ${after.layers.length}`];
  }
  const other = after.layers.findIndex((layer, place) => layer !== before.layers[place]);
  if (other < 0) return seeds;
  return [...seeds, `layer ${other + 1} of the model was ${before.layers[other]}, is ${after.layers[other]}`];
}

/** Options that decide how a run goes. How many epochs there are counts where a function sees it. */
export function describeOptions(options: TrainOptions): Record<string, unknown> {
  const { optimizer, batchSize, lr, momentum, weightDecay, augment, shuffle, seed, validation, compiled } = options;
  const isScheduled = [lr, momentum, weightDecay, augment].some((value) => typeof value === 'function');
  return {
    optimizer,
    batchSize,
    lr: describe(lr),
    momentum: describe(momentum),
    weightDecay: describe(weightDecay),
    augment: typeof augment === 'function' ? describe(augment) : { crop: 0, flip: false, ...augment },
    shuffle,
    seed,
    validation,
    compiled,
    precision: compiled ? resolvePrecision(options.precision) : 'float32',
    ...(isScheduled && { epochs: options.epochs }),
  };
}

/**
 * Of a function of progress its text, and what it gives along the way: it may use numbers from elsewhere. One that takes no
 * progress reads a knob that may be turned at any time, so only its text counts.
 */
function describe(value: unknown): unknown {
  if (typeof value !== 'function') return value;
  if (value.length === 0) return String(value);
  const schedule = value as (progress: number) => unknown;
  const along = Array.from({ length: 10 }, (_, tenth) => {
    const there = schedule(tenth / 10);
    return typeof there === 'number' ? Number(there.toPrecision(6)) : JSON.stringify(there);
  });
  return `${String(value)}: ${along.join(', ')}`;
}

export function describeModel(model: tf.LayersModel): ModelIdentity {
  return { seed: initialSeed(model) ?? null, layers: model.layers.map(describeLayer) };
}

/** Its kind, shape and settings; its name only where random numbers depend on it, since tfjs counts names up. */
function describeLayer(layer: tf.layers.Layer): string {
  const { name, ...config } = layer.getConfig() as Record<string, unknown>;
  const settings = Object.entries(config).filter(([key]) => !key.endsWith('Initializer'));
  const own = layer instanceof KeyedDropout ? { name, rate: Number(layer.rate.toPrecision(6)) } : {};
  return `${layer.getClassName()} ${JSON.stringify({ ...Object.fromEntries(settings), ...own, shape: layer.outputShape })}`;
}

export function hashSplits(splits: readonly (Split | undefined)[]): string {
  const hash = createHash('sha256');
  for (const split of splits) if (split) hash.update(split.images).update(split.labels);
  return hash.digest('hex');
}
