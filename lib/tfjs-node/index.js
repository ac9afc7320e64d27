'use strict';
const util = require('node:util');

// tfjs-node 4.22.0 calls three helpers that Node 23 removed.
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
util.isString ??= (value) => typeof value === 'string';
// TensorFlow writes its start-up chatter to stderr; 2 leaves the errors.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';

module.exports = require('@tensorflow/tfjs-node-gpu');
