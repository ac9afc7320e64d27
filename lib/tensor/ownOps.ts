// Our own TensorFlow ops (lib/tfjs-node/ops) in place of TensorFlow's, in float32 graphs on the processor. (The batch norm and
// the update of SGD are in batchNorm.ts and ops.ts: they are ours outside of graphs, too.)
import { hasOwnOps } from './backend';
import type { Graph } from './graph';
import { rewrite } from './rewrite';
import { biasGrad, biasRelu, reluBiasGrad } from './rules/activation';
import { linearUpdate } from './rules/linearUpdate';
import { maxPool } from './rules/maxPool';
import { normalise } from './rules/normalise';
import { biasGradOfNorm, normReluGrad, reluGradOfNorm } from './rules/normRelu';
import { product } from './rules/product';
import { winograd, winogradBiasRelu } from './rules/winograd';

/** Those that put one op in the place of more come first. */
const RULES = [
  ...[winogradBiasRelu, normReluGrad, reluGradOfNorm, biasGradOfNorm, linearUpdate],
  ...[winograd, product, biasRelu, reluBiasGrad, biasGrad, maxPool, normalise],
];

/** A copy of the graph with our ops where they can be had. Nodes keep their names. */
export const withOwnOps = (graph: Graph): Graph => (hasOwnOps() ? rewrite(graph, RULES) : graph);
