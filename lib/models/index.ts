// The entry `cifar10/models`. First what a reader's own networks are made of.
export { defineModel, definitionOf, initialize, normalizeFor } from './define';
export type { Definition, ModelOptions, Normalization } from './define';
export * from './layers';
export { linear } from './linear';
export type { LinearOptions } from './linear';
export { shallowCnn } from './shallowCnn';
export type { ShallowCnnOptions } from './shallowCnn';
export { deepCnn } from './deepCnn';
export type { DeepCnnOptions } from './deepCnn';
export { resnet9 } from './resnet';
export type { Resnet9Options } from './resnet';
export { summary } from './summary';
export type { Summary } from './summary';
export { loadWeights, saveWeights } from './weights';
export { loadStateDict, namedParameters, stateDict, trainableParameters } from './stateDict';
export type { NamedParameter } from './stateDict';

// What the rest of the library asks of them.
export { initialSeed, inputsOf, layersOf } from './define';
export { checkMemory, estimateBytes } from './memory';
