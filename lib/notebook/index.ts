// What a notebook shows and asks: live training curves, controls, a playground.
export { live, show, type LiveDisplay } from '../kernel/display';
export { html, type Html } from '../kernel/html';
export { checkbox, dropdown, logSlider, slider, type Applies, type Control } from '../kernel/inputs';
export { interruptible } from '../kernel/interruptible';
export type { Displayable } from '../kernel/mimeBundle';
export { addChange, changeLabel, type ControlChange } from './controlChanges';
export { controls, type Change, type Controls, type Setting } from './controls';
export { playground, type Playground, type PlaygroundOptions } from './playground';
export { watch, type WatchOptions } from './watch';
export { watchLr } from './watchLr';
