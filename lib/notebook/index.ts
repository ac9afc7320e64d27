export * from './controlChanges';
export * from './controls';
export * from './playground';
export * from './style';
export * from './watch';
export * from './watchLr';
