// The stock ipywidgets, over their own protocol: each is a state that kernel and page share.
// https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md
import { acceptComms, type Comm, type CommListener, hasFrontend, type Message, onFrontend, openComm } from './comms';
import { live } from './display';
import type { Html } from './html';

/** The state of each kind of widget: what the page shows and, where the reader changes it, sends back. */
export interface WidgetStates {
  FloatSlider: { value: number; min: number; max: number; step: number; readout_format: string };
  /** `min`, `max` and `step` are exponents of 10. */
  FloatLogSlider: { value: number; min: number; max: number; step: number; readout_format: string };
  Checkbox: { value: boolean; indent: boolean };
  /** `index` is that of the chosen option. */
  Dropdown: { _options_labels: readonly string[]; index: number };
  Button: { button_style: '' | 'primary' | 'success' | 'warning' | 'danger' };
  /** `value` is markup. */
  HTML: { value: string };
  Box: { children: readonly string[] };
}

/** State that every widget may have. */
interface CommonState {
  description: string;
  tooltip: string;
  disabled: boolean;
  /** CSS classes of its element. */
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
  /** Called with what the reader changed. */
  readonly onChange?: (changes: Partial<State<Kind>>) => void;
  /** Called when a button is clicked. */
  readonly onClick?: () => void;
}

const TARGET = 'jupyter.widget';
const PROTOCOL = { version: '2.1.0' };
const CONTROLS = { module: '@jupyter-widgets/controls', version: '2.0.0' };

const models = new Map<string, Readonly<Record<string, unknown>>>();

/**
 * Shows the widget that `open` makes, if a page supports widgets; otherwise `instead`, until such a page connects.
 * @returns a function that closes it
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

/** Whether a connected page supports widgets. */
export const hasWidgets = (): boolean => hasFrontend(TARGET);

/**
 * Makes a widget, for a box or for `showWidget`.
 * @returns undefined without a front end
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
    // For other pages on this notebook; the sender recognizes its own change by the parent message.
    comm?.send({ method: 'echo_update', state: changes, buffer_paths: [] }, message);
    onChange?.(changes);
  };
  acceptComms('jupyter.widget.control', acceptControl);
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

/** Puts widgets into a box; closing it closes them, too. */
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

/** The entries of a widget's state that name its class. Layouts and styles are left to the page and to style sheets. */
const describe = (kind: WidgetKind): Record<string, unknown> => ({
  _model_module: CONTROLS.module,
  _model_module_version: CONTROLS.version,
  _model_name: `${kind}Model`,
  _view_module: CONTROLS.module,
  _view_module_version: CONTROLS.version,
  _view_name: `${kind}View`,
});

/** Answers a reloaded page, which asks for the states of all widgets at once. */
const acceptControl = (comm: Comm): CommListener => ({
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
});
