'use strict';
const util = require('node:util');
const { hideStderr, showStderr } = require('./native.js');

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

hideStderr();
try {
  module.exports = require('@tensorflow/tfjs-node-gpu');
} finally {
  showStderr();
}
