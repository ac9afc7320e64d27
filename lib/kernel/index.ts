// The kernel kit: what tslab needs in order to be at home in JupyterLab. Nothing here knows of images or networks, and importing it
// changes nothing: kernel.ts, which the kernel loads with `node --require`, is the only file with side effects.
export { acceptComms, hasFrontend, onFrontend, openComm } from './comms';
export type { Comm, CommListener, Message } from './comms';
export { live, show } from './display';
export type { LiveDisplay } from './display';
export { defaultStep, checkbox, dropdown, logSlider, slider } from './inputs';
export type { Applies, Control, ControlOptions, DropdownOptions, LogSliderOptions, SliderOptions } from './inputs';
export { interruptible, listen } from './interruptible';
export { html, toMimeBundle } from './mimeBundle';
export type { Displayable, Html, MimeBundle, View } from './mimeBundle';
export type { Row, Table } from './table';
export { hasWidgets, openBox, openWidget, showWidget } from './widgets';
export type { Widget, WidgetKind, WidgetListener, WidgetStates } from './widgets';
