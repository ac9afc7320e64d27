// Our TensorFlow ops (lib/engine/native/ops) in place of TensorFlow's, in float32 graphs on the CPU. (Batch norm and the updates
// of SGD are ours outside of graphs, too: ops/batchNorm.ts, ops/ops.ts.)
import { hasCustomOps } from '../backend';
import type { Graph } from '../graph';
import { rewrite } from './rewrite';
import { biasGrad, biasRelu, reluBiasGrad } from './activation';
import { batchNormRelu, batchNormReluGrad, reluOfBatchNorm } from './batchNormRelu';
import { biasGradOfNorm, biasReluBatchNormGrad, reluGradOfNorm } from './biasReluBatchNorm';
import { linearUpdate } from './linearUpdate';
import { matMul } from './matMul';
import { maxPool } from './maxPool';
import { normalize } from './normalize';
import { winograd, winogradBiasRelu } from './winograd';

/** Those that replace several ops by one come first. */
const RULES = [
  ...[winogradBiasRelu, biasReluBatchNormGrad, reluGradOfNorm, biasGradOfNorm, linearUpdate],
  ...[batchNormRelu, reluOfBatchNorm, batchNormReluGrad],
  ...[winograd, matMul, biasRelu, reluBiasGrad, biasGrad, maxPool, normalize],
];

/** A copy of the graph with custom ops where they fit. Nodes keep their names. */
export const withCustomOps = (graph: Graph): Graph => (hasCustomOps() ? rewrite(graph, RULES) : graph);
