export * from './atomicFile';
export * from './duration';
export * from './hyperparameters';
export * from './options';
export * from './processes';
export * from './safetensors';
