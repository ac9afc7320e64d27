// The entry `cifar10/engine`. First what a reader's own optimizers, augmentations, losses and layers are made of.
export { compile } from './compile';
export type { CompileOptions, Program } from './compile';
export type { TensorFunction } from './trace/trace';
export type { TensorType } from './graph';
export { DataType } from './backend';
export type { Precision } from './precision';
export { castTo, randomUniform, sgdUpdate, softmaxCrossEntropy, transformImages, uint8Tensor } from './ops/ops';
export type { SgdHyperparameters } from './ops/ops';
export { foldIn, randomKey } from './ops/random';
export { batchNormTraining } from './ops/batchNorm';
export type { NormStatistics } from './ops/batchNorm';
export { prepareEngine } from './ops/prepare';

// What the rest of the library asks of it.
export { backend, hasCustomOps, isOnGpu, versions } from './backend';
export { resolvePrecision, warnOfEmulation } from './precision';
export { cores, cpuHas, isa } from './cpu';

// Its parts, for its own tests.
export { CUSTOM_OPS } from './ops/customOpNames';
export { executeOp, executeOps } from './ops/call';
export { dataTypeOf } from './backend';
export { addNode, addOp, createGraph, typeOf } from './graph';
export type { Graph, Node, Value } from './graph';
export { trace } from './trace/trace';
export { withCustomOps } from './passes/customOps';
export { toBfloat16 } from './passes/autocast';
export { isEmpty, isFloat32, isInts, isText, isTrue, rewrite } from './passes/rewrite';
export type { Rule } from './passes/rewrite';
