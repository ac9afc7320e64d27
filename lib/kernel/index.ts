export * from './comms';
export * from './display';
export * from './interruptible';
export * from './mimeBundle';
export * from './widgets';
