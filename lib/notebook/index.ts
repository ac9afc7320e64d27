// What a notebook shows and asks: live training curves, controls, a playground.
export { live, show } from '../kernel/display';
export type { LiveDisplay } from '../kernel/display';
export { html } from '../kernel/html';
export type { Html } from '../kernel/html';
export { checkbox, dropdown, logSlider, slider } from '../kernel/inputs';
export type { Applies, Control, ControlOptions } from '../kernel/inputs';
export { interruptible } from '../kernel/interruptible';
export type { Displayable } from '../kernel/mimeBundle';
export { addChange, changeLabel } from './controlChanges';
export type { ControlChange } from './controlChanges';
export { controls } from './controls';
export type { Change, Controls, Setting } from './controls';
export { playground } from './playground';
export type { Playground, PlaygroundOptions } from './playground';
export { watch } from './watch';
export type { WatchOptions } from './watch';
export { watchLr } from './watchLr';
