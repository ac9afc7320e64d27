// Our own TensorFlow ops (lib/tfjs-node/ops) in place of TensorFlow's, in float32 graphs on the processor. (The batch norm and
// the update of SGD are in kernels.ts: they are ours outside of graphs, too.)
import { biasGrad, biasRelu, reluBiasGrad } from './activation';
import { hasOwnOps } from './backend';
import type { Graph } from './graph';
import { maxPool } from './maxPool';
import { product } from './product';
import { rewrite } from './rewrite';
import { winograd } from './winograd';

const RULES = [winograd, product, biasRelu, reluBiasGrad, biasGrad, maxPool];

/** A copy of the graph with our ops where they can be had. Nodes keep their names. */
export const withOwnOps = (graph: Graph): Graph => (hasOwnOps() ? rewrite(graph, RULES) : graph);
