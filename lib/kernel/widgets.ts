// The stock ipywidgets that the controls are made of, on their own protocol: each is a state shared with the page.
// https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md
import { acceptComms, hasFrontend, type Message, onFrontend, openComm } from './comms';
import { live } from './display';
import type { Html } from './mimeBundle';

/** State of a widget, by its kind: what the page shows and, where the reader changes it, sends back. */
export interface WidgetStates {
  FloatSlider: { value: number; min: number; max: number; step: number; readout_format: string };
  /** `min`, `max` and `step` are exponents of 10. */
  FloatLogSlider: { value: number; min: number; max: number; step: number; readout_format: string };
  Checkbox: { value: boolean; indent: boolean };
  /** `index` is the place of the chosen option. */
  Dropdown: { _options_labels: readonly string[]; index: number };
  Button: { button_style: '' | 'primary' | 'success' | 'warning' | 'danger' };
  /** `value` is markup. */
  HTML: { value: string };
  Box: { children: readonly string[] };
}

/** State that each may have. */
interface CommonState {
  description: string;
  tooltip: string;
  disabled: boolean;
  /** Classes of its element, for a style sheet. */
  _dom_classes: readonly string[];
}

export type WidgetKind = keyof WidgetStates;
type State<Kind extends WidgetKind> = WidgetStates[Kind] & Partial<CommonState>;

export interface Widget<Kind extends WidgetKind = WidgetKind> {
  readonly id: string;
  /** Changes the state, here and in the page. */
  set(changes: Partial<State<Kind>>): void;
  close(): void;
}

export interface WidgetListener<Kind extends WidgetKind> {
  /** When the reader changed something. */
  readonly onChange?: (changes: Partial<State<Kind>>) => void;
  /** When a button was clicked. */
  readonly onClick?: () => void;
}

const TARGET = 'jupyter.widget';
const PROTOCOL = { version: '2.1.0' };
const CONTROLS = { module: '@jupyter-widgets/controls', version: '2.0.0' };

const models = new Map<string, Readonly<Record<string, unknown>>>();

/**
 * Shows what `open` makes, where there is a page that knows widgets; else `instead`, until such a page turns up.
 * @returns a function that takes it away
 */
export function showWidget(open: () => Widget | undefined, instead: () => Html): () => void {
  let widget = hasFrontend(TARGET) ? open() : undefined;
  const viewOf = ({ id }: Widget) => ({
    ...instead(),
    view: { 'application/vnd.jupyter.widget-view+json': { version_major: 2, version_minor: 0, model_id: id } },
  });
  const display = live(widget ? viewOf(widget) : instead());
  let isClosed = false;
  onFrontend(TARGET, () => {
    if (isClosed || widget) return;
    widget = open();
    if (widget) display.update(viewOf(widget));
  });
  return () => {
    isClosed = true;
    widget?.close();
  };
}

/** Whether there is a page that shows widgets. */
export const hasWidgets = (): boolean => hasFrontend(TARGET);

/**
 * Makes a widget, to be put into a box or to be shown.
 * @returns undefined where the kernel has no page to talk to
 */
export function openWidget<Kind extends WidgetKind>(
  kind: Kind,
  state: State<Kind>,
  { onChange, onClick }: WidgetListener<Kind> = {},
): Widget<Kind> | undefined {
  const model: Record<string, unknown> = { ...describe(kind), ...state };
  const onMessage = (data: Readonly<Record<string, unknown>>, message: Message) => {
    if (data.method === 'request_state') comm?.send({ method: 'update', state: model, buffer_paths: [] });
    if (data.method === 'custom' && (data.content as { event?: string }).event === 'click') onClick?.();
    if (data.method !== 'update') return;
    const changes = data.state as Partial<State<Kind>>;
    Object.assign(model, changes);
    // For other pages on this notebook; the one that sent it knows its own by the message that this answers.
    comm?.send({ method: 'echo_update', state: changes, buffer_paths: [] }, message);
    onChange?.(changes);
  };
  const comm = openComm(TARGET, { state: model, buffer_paths: [] }, { metadata: PROTOCOL, onMessage });
  if (!comm) return undefined;
  models.set(comm.id, model);
  return {
    id: comm.id,
    set(changes) {
      Object.assign(model, changes);
      comm.send({ method: 'update', state: changes, buffer_paths: [] });
    },
    close() {
      models.delete(comm.id);
      comm.close();
    },
  };
}

/** Puts widgets into a box; they go when it is closed. */
export function openBox(classes: readonly string[], children: readonly (Widget | undefined)[]): Widget | undefined {
  const inside = children.filter((child) => child !== undefined);
  const state = { _dom_classes: classes, children: inside.map(({ id }) => `IPY_MODEL_${id}`) };
  const box = openWidget('Box', state);
  return (
    box && {
      ...box,
      close() {
        box.close();
        for (const child of inside) child.close();
      },
    }
  );
}

/** What a widget's state says of its class. Layouts and styles are left out: the page has its own, and style sheets. */
const describe = (kind: WidgetKind): Record<string, unknown> => ({
  _model_module: CONTROLS.module,
  _model_module_version: CONTROLS.version,
  _model_name: `${kind}Model`,
  _view_module: CONTROLS.module,
  _view_module_version: CONTROLS.version,
  _view_name: `${kind}View`,
});

// A page that is loaded anew asks for the states of all widgets at once.
acceptComms('jupyter.widget.control', (comm) => ({
  onMessage({ method }) {
    if (method !== 'request_states') return;
    const states = [...models].map(([id, state]) => {
      const {
        _model_name: model_name,
        _model_module: model_module,
        _model_module_version: model_module_version,
      } = state;
      return [id, { model_name, model_module, model_module_version, state }] as const;
    });
    comm.send({ method: 'update_states', states: Object.fromEntries(states), buffer_paths: [] });
  },
}));
