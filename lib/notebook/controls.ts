// Hyperparameters to take hold of: sliders and the like under a cell, and what they stand at, typed.
import { html, type Html } from '../kernel/mimeBundle';
import { panelStyle } from './style';
import { openBox, openWidget, showWidget, type Widget } from '../kernel/widgets';

/** When a change takes effect: between two batches, when Train is next pressed, or with a network that is made anew. */
export type Applies = 'at once' | 'next run' | 'new network';

export interface ControlOptions {
  /** What stands beside it. Default: its name. */
  readonly label?: string;
  /** Default: 'at once'. */
  readonly applies?: Applies;
}

/** A control, not shown yet: `slider`, `logSlider`, `checkbox` and `dropdown` make it, `controls` shows it. */
export interface Control<T> extends ControlOptions {
  /** At the start. */
  readonly value: T;
  /** Reads after its label: 0.1, on, deep CNN. */
  readonly format: (value: T) => string;
  /** @returns undefined where there is no page */
  readonly open: (label: string, value: T, onChange: (value: T) => void) => Widget | undefined;
}

/** A value that has changed. */
export interface Change {
  readonly name: string;
  readonly label: string;
  readonly applies: Applies;
  /** As shown: “0.1”. */
  readonly from: string;
  readonly to: string;
}

/** A value as it is shown. */
export interface Setting extends Omit<Change, 'from'> {
  readonly value: unknown;
}

export interface Controls<Values> {
  /** As they stand now. */
  readonly values: Readonly<Values>;
  /** All values as they are shown. */
  readonly settings: () => readonly Setting[];
  /** Calls `listener` after each change, until the function that it returns is called. */
  readonly onChange: (listener: (change: Change) => void) => () => void;
}

/**
 * Shows controls under the cell, in the order given.
 *
 *     const panel = controls({ lr: logSlider({ value: 0.1, min: 1e-4, max: 1 }), momentum: slider({ value: 0, max: 0.95 }) });
 *     await watch(train(model, data, { lr: () => panel.values.lr, momentum: () => panel.values.momentum }));
 *
 * What the reader moves while a cell trains arrives between two batches. Where nobody can move anything (a notebook that
 * is executed without a page), the values stay as given, and are shown as text.
 */
export function controls<Values extends object>(spec: {
  readonly [Name in keyof Values]: Control<Values[Name]>;
}): Controls<Values> {
  const entries = Object.entries(spec) as [string, Control<unknown>][];
  const values = Object.fromEntries(entries.map(([name, { value }]) => [name, value]));
  const listeners = new Set<(change: Change) => void>();
  const settings = () =>
    entries.map(([name, { label = name, applies = 'at once', format }]) => ({
      name,
      label,
      applies,
      to: format(values[name]),
      value: values[name],
    }));
  const open = ([name, control]: (typeof entries)[number]): Widget | undefined => {
    const { label = name, applies = 'at once', format } = control;
    // Where a page turns up later, the control begins at the value of then.
    return control.open(label, values[name], (value) => {
      const before = values[name];
      values[name] = value;
      if (value === before) return;
      const change = { name, label, applies, from: format(before), to: format(value) };
      for (const listener of listeners) listener(change);
    });
  };
  const group = (title: string, belongs: (applies: Applies) => boolean) => {
    const members = entries.filter(([, { applies = 'at once' }]) => belongs(applies));
    if (members.length === 0) return [];
    return [
      openBox(['cifar10-group'], [openWidget('HTML', { value: html`<b>${title}</b>`.html }), ...members.map(open)]),
    ];
  };
  showWidget(
    () =>
      openBox(
        ['cifar10-panel', 'cifar10-controls'],
        [
          openWidget('HTML', { value: panelStyle }),
          ...group('Takes effect at once', (applies) => applies === 'at once'),
          ...group('From the next Train on', (applies) => applies !== 'at once'),
        ],
      ),
    () => asText(settings()),
  );
  return {
    values: values as Values,
    settings,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

export interface SliderOptions extends ControlOptions {
  readonly value: number;
  /** Default: 0. */
  readonly min?: number;
  /** Default: 1. */
  readonly max?: number;
  /** Default: about a hundredth of the range (a thirtieth to a three-hundredth), a power of ten. */
  readonly step?: number;
}

/** The step of a slider that is given none. */
export const defaultStep = (range: number): number => Number(`1e${Math.round(Math.log10(range)) - 2}`);

/**
 * A slider for a number.
 * @throws RangeError when the value is out of its range, the range is none, or the step is not above 0
 */
export function slider({
  value,
  min = 0,
  max = 1,
  step = defaultStep(max - min),
  ...options
}: SliderOptions): Control<number> {
  checkRange('slider', value, min, max);
  if (!(step > 0)) throw new RangeError(`slider: step is ${step}; expected a number above 0.`);
  // 0.30000000000000004 to 0.3, but never beyond an end
  const round = (value: number) => clamp(Number(value.toPrecision(10)), min, max);
  return {
    ...options,
    value: round(value),
    format: (value) => String(round(value)),
    open: (description, value, onChange) =>
      openWidget(
        'FloatSlider',
        { description, value, min, max, step, readout_format: '~g' },
        { onChange: (changes) => changes.value !== undefined && onChange(round(changes.value)) },
      ),
  };
}

export interface LogSliderOptions extends ControlOptions {
  readonly value: number;
  /** Above 0. */
  readonly min: number;
  readonly max: number;
}

/**
 * A slider on which each step multiplies: as far from 0.001 to 0.01 as from 0.1 to 1. Its value has two digits, unless it is
 * an end that has more.
 * @throws RangeError when the value is out of its range, or the range is none
 */
export function logSlider({ value, min, max, ...options }: LogSliderOptions): Control<number> {
  checkRange('logSlider', value, min, max);
  if (!(min > 0)) throw new RangeError(`logSlider: min is ${min}; expected a number above 0.`);
  const round = (value: number) => clamp(Number(value.toPrecision(2)), min, max);
  return {
    ...options,
    value: round(value),
    format: (value) => String(round(value)),
    open: (description, value, onChange) =>
      openWidget(
        'FloatLogSlider',
        { description, value, min: Math.log10(min), max: Math.log10(max), step: 0.05, readout_format: '.2~g' },
        { onChange: (changes) => changes.value !== undefined && onChange(round(changes.value)) },
      ),
  };
}

/** A box to tick. Default: not ticked. */
export function checkbox({
  value = false,
  ...options
}: ControlOptions & { readonly value?: boolean } = {}): Control<boolean> {
  return {
    ...options,
    value,
    format: (value) => (value ? 'on' : 'off'),
    open: (description, value, onChange) =>
      openWidget(
        'Checkbox',
        { description, value, indent: true },
        { onChange: (changes) => changes.value !== undefined && onChange(changes.value) },
      ),
  };
}

export interface DropdownOptions<T> extends ControlOptions {
  readonly options: readonly T[];
  /** Default: the first. */
  readonly value?: T;
}

/**
 * A list to choose one of.
 * @throws RangeError when there are no options, or the value is none of them
 */
export function dropdown<const T extends string | number>({
  options,
  value = options[0],
  ...others
}: DropdownOptions<T>): Control<T> {
  if (options.length === 0) throw new RangeError('dropdown: there are no options; expected at least one.');
  if (!options.includes(value)) {
    throw new RangeError(`dropdown: value is ${value}; expected ${options.join(' or ')}.`);
  }
  // 2000 as 2,000; small numbers with all of their digits
  const format = (value: T) =>
    typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: 20 }) : String(value);
  return {
    ...others,
    value,
    format,
    open: (description, value, onChange) =>
      openWidget(
        'Dropdown',
        { description, _options_labels: options.map(format), index: options.indexOf(value) },
        { onChange: ({ index }) => typeof index === 'number' && onChange(options[index]) },
      ),
  };
}

function checkRange(owner: string, value: number, min: number, max: number): void {
  if (!(min < max && Number.isFinite(min) && Number.isFinite(max))) {
    throw new RangeError(`${owner}: min is ${min}, max is ${max}; expected min below max, and both finite.`);
  }
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${owner}: value is ${value}; expected a number from ${min} to ${max}.`);
  }
}

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));

const asText = (settings: readonly Setting[]): Html =>
  html`<div>
    <div>${settings.map(({ label, to }) => html`<span>${label} <b>${to}</b> · </span>`)}</div>
    <div>Nobody can move controls here, so these values stay. JupyterLab shows sliders: run the cell there.</div>
  </div>`;
