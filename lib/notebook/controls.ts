// Typed interactive controls (sliders, checkboxes …), shown under a cell.
import type { Applies, Control } from '../kernel/inputs';
import { html, type Html } from '../kernel/html';
import { openBox, openWidget, showWidget, type Widget } from '../kernel/widgets';
import { panelStyle } from '../kernel/panelStyle';

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
  /** The current values. */
  readonly values: Readonly<Values>;
  /** All values as they are shown. */
  readonly settings: () => readonly Setting[];
  /** Calls `listener` after each change; returns a function that ends this. */
  readonly onChange: (listener: (change: Change) => void) => () => void;
}

/**
 * Shows controls under the cell, in the given order.
 *
 *     const panel = controls({ lr: logSlider({ value: 0.1, min: 1e-4, max: 1 }), momentum: slider({ value: 0, max: 0.95 }) });
 *     await watch(train(model, data, { optimizer: sgd({ lr: () => panel.values.lr, momentum: () => panel.values.momentum }) }));
 *
 * A control that is moved while a cell trains takes effect between two batches. Where there is no page to move them in (a
 * notebook executed without one), the values stay as given and are shown as text.
 */
export function controls<Values extends object>(spec: {
  readonly [Name in keyof Values]: Control<Values[Name]>;
}): Controls<Values> {
  const entries = Object.entries(spec) as [string, Control<unknown>][];
  const values = Object.fromEntries(entries.map(([name, { value }]) => [name, value]));
  const listeners = new Set<(change: Change) => void>();
  const settings = () =>
    entries.map(([name, { label = name, applies = 'live', format }]) => ({
      name,
      label,
      applies,
      to: format(values[name]),
      value: values[name],
    }));
  const open = ([name, control]: (typeof entries)[number]): Widget | undefined => {
    const { label = name, applies = 'live', format } = control;
    // In a page that connects later, a control begins with the value it has by then.
    return control.open(label, values[name], (value) => {
      const before = values[name];
      values[name] = value;
      if (value === before) return;
      const change = { name, label, applies, from: format(before), to: format(value) };
      for (const listener of listeners) listener(change);
    });
  };
  const group = (title: string, isLive: boolean) => {
    const members = entries.filter(([, { applies = 'live' }]) => (applies === 'live') === isLive);
    if (members.length === 0) return [];
    const heading = openWidget('HTML', { value: html`<b>${title}</b>`.html });
    return [openBox(['cifar10-group'], [heading, ...members.map(open)])];
  };
  showWidget(
    () =>
      openBox(
        ['cifar10-panel', 'cifar10-controls'],
        [
          openWidget('HTML', { value: panelStyle }),
          ...group('Takes effect at once', true),
          ...group('Takes effect with the next Train', false),
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

const asText = (settings: readonly Setting[]): Html =>
  html`<div>
    <div>${settings.map(({ label, to }) => html`<span>${label} <b>${to}</b> · </span>`)}</div>
    <div>These values are fixed: there is no page to change them in. Run the cell in JupyterLab to get sliders.</div>
  </div>`;
