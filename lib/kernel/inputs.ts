// Controls for a number, a switch, or a choice: a widget in the page and its typed value.
import { openWidget, type Widget } from './widgets';

/** When a change takes effect: between two batches, when Train is next pressed, or with a new network. */
export type Applies = 'live' | 'next-run' | 'new-model';

export interface ControlOptions {
  /** What stands beside it. Default: its name. */
  readonly label?: string;
  /** Default: 'live'. */
  readonly applies?: Applies;
}

/** A control that is not shown yet: `controls` shows it. */
export interface Control<T> extends ControlOptions {
  /** The initial value. */
  readonly value: T;
  /** A value as it is shown: 0.1, on, deep CNN. */
  readonly format: (value: T) => string;
  /** @returns undefined without a front end */
  readonly open: (label: string, value: T, onChange: (value: T) => void) => Widget | undefined;
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

/** The default step of a slider. */
export const defaultStep = (range: number): number => Number(`1e${Math.round(Math.log10(range)) - 2}`);

/**
 * A slider for a number.
 * @throws RangeError when the value is outside [min, max], min ≥ max, or step ≤ 0
 */
export function slider({
  value,
  min = 0,
  max = 1,
  step = defaultStep(max - min),
  ...options
}: SliderOptions): Control<number> {
  checkRange('slider', value, min, max);
  if (!(step > 0)) throw new RangeError(`slider: step is ${step}; expected a number > 0.`);
  // 0.30000000000000004 becomes 0.3; a value never leaves [min, max].
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
  /** > 0. */
  readonly min: number;
  readonly max: number;
}

/**
 * A logarithmic slider: as far from 0.001 to 0.01 as from 0.1 to 1. Its value has two significant digits; the ends of the range
 * keep theirs.
 * @throws RangeError when the value is outside [min, max], or min ≥ max, or min ≤ 0
 */
export function logSlider({ value, min, max, ...options }: LogSliderOptions): Control<number> {
  checkRange('logSlider', value, min, max);
  if (!(min > 0)) throw new RangeError(`logSlider: min is ${min}; expected a number > 0.`);
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

/** A box to tick. Default: off. */
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
  /** Default: the first option. */
  readonly value?: T;
}

/**
 * A list to choose from.
 * @throws RangeError without options, or when the value is not one of them
 */
export function dropdown<const T extends string | number>({
  options,
  value = options[0],
  ...others
}: DropdownOptions<T>): Control<T> {
  if (options.length === 0) throw new RangeError('dropdown: options is empty; expected at least one.');
  if (!options.includes(value)) {
    throw new RangeError(`dropdown: value is ${value}; expected ${options.join(' or ')}.`);
  }
  // 2000 as 2,000; small numbers keep all digits
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
    throw new RangeError(`${owner}: min is ${min}, max is ${max}; expected finite numbers with min < max.`);
  }
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${owner}: value is ${value}; expected a number in [${min}, ${max}].`);
  }
}

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
