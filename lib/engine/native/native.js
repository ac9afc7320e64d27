'use strict';
const { dirname, join } = require('node:path');

// Set-up compiles native.cc to native.node, beside tfjs's binding. It loads no TensorFlow.
const gpuPackage = dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
module.exports = require(join(gpuPackage, 'lib', 'napi-v8', 'native.node'));
