export * from './compare';
export * from './csv';
export * from './results';
export * from './run';
export * from './runFiles';
export * from './runOptions';
export * from './score';
export * from './tensorboard';
