// Our own TensorFlow ops (lib/engine/native/ops) in place of TensorFlow's, in float32 graphs on the processor. (The batch norm and
// the update of SGD are in batchNorm.ts and ops.ts: they are ours outside of graphs, too.)
import { hasCustomOps } from '../backend';
import type { Graph } from '../graph';
import { rewrite } from './rewrite';
import { biasGrad, biasRelu, reluBiasGrad } from './activation';
import { linearUpdate } from './linearUpdate';
import { maxPool } from './maxPool';
import { normalize } from './normalize';
import { biasGradOfNorm, normReluGrad, reluGradOfNorm } from './normRelu';
import { product } from './product';
import { winograd, winogradBiasRelu } from './winograd';

/** Those that put one op in the place of more come first. */
const RULES = [
  ...[winogradBiasRelu, normReluGrad, reluGradOfNorm, biasGradOfNorm, linearUpdate],
  ...[winograd, product, biasRelu, reluBiasGrad, biasGrad, maxPool, normalize],
];

/** A copy of the graph with our ops where they can be had. Nodes keep their names. */
export const withCustomOps = (graph: Graph): Graph => (hasCustomOps() ? rewrite(graph, RULES) : graph);
