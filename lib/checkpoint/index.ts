export * from './fingerprint';
export * from './folder';
export * from './load';
export * from './manifest';
export * from './owner';
export * from './resume';
export * from './sigterm';
export * from './store';
