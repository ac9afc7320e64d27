// What tells runs apart: the options in which they differ.
import { trainRules } from '../training/options';
import type { Run } from './run';

/** One value, for a table or a file. */
export type Cell = string | number | boolean | null;

/** Columns of tables and files: an option of such a name gets another one there. */
const COLUMNS = ['run', 'epoch', 'seconds'];

/**
 * The options of each run, flat (`augment.crop`); what was left out has the default of `train`. Epochs are left out: how many
 * there were is a result.
 */
export function flatOptions(runs: readonly Run[]): Map<string, Cell>[] {
  const given = runs.map(({ options }) => options);
  const named = new Set(given.flatMap((options) => Object.keys(options)));
  const standard: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(trainRules)) if (named.has(name)) standard[name] = rule.default;
  return given.map((options) => {
    const { augment } = { ...standard, ...options };
    const all = {
      ...standard,
      ...options,
      // One that changes in the course of a run is kept as its text.
      ...(typeof augment === 'object' && { augment: { crop: 0, flip: false, ...augment } }),
    };
    const columns = flatten(all).filter(([name]) => name !== 'epochs');
    return new Map(columns.map(([name, value]) => [COLUMNS.includes(name) ? `${name} (option)` : name, value]));
  });
}

/** The names of those that not all runs have the same value of, in the order in which they come. */
export function differingOptions(runs: readonly Run[]): string[] {
  const all = flatOptions(runs);
  const names = [...new Set(all.flatMap((options) => [...options.keys()]))];
  return names.filter((name) => new Set(all.map((options) => options.get(name) ?? null)).size > 1);
}

function flatten(value: object, prefix = ''): [string, Cell][] {
  return Object.entries(value).flatMap(([key, item]: [string, unknown]): [string, Cell][] => {
    const name = prefix + key;
    if (typeof item === 'object' && item !== null) {
      return Array.isArray(item) ? [[name, item.join(', ')]] : flatten(item, `${name}.`);
    }
    return item === undefined ? [] : [[name, item as Cell]];
  });
}
