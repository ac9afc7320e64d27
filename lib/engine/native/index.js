'use strict';
const { dirname, join } = require('node:path');
const util = require('node:util');

// tfjs-node 4.22.0 calls helpers that Node 22 warns of and Node 23 removed.
util.isNullOrUndefined = (value) => value === null || value === undefined;
util.isArray = Array.isArray;
// TensorFlow's faster convolutions, on by default only on some Intel processors.
process.env.TF_ENABLE_ONEDNN_OPTS ??= '1';
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
// One op after another, each on all cores: no slower (measured on two), and steps take memory more evenly.
process.env.TF_NUM_INTEROP_THREADS ??= '1';
// Memory of a GPU as it is needed: TensorFlow would take all of it, and leave nothing for a second notebook.
process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';

// Set-up compiles stderr.cc to stderr.node, beside the binding.
const gpuPackage = dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
const stderr = require(join(gpuPackage, 'lib', 'napi-v8', 'stderr.node'));

stderr.hide();
try {
  module.exports = require('@tensorflow/tfjs-node-gpu');
} finally {
  stderr.show();
}
