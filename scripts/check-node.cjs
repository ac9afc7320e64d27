'use strict';
// Runs before everything else (node --require), in words that any Node understands, so that an old one says what it lacks
// instead of a syntax error.

/** Supported versions of Node: major → the first minor that the course's tools run on. */
var supported = { 20: 19, 22: 13, 24: 0, 26: 0 };

var parts = process.versions.node.split('.').map(Number);
var problem = null;
if (process.platform !== 'linux' || process.arch !== 'x64') {
  problem =
    'This course runs on Linux x64, and in WSL2 on Windows; this is ' +
    process.platform +
    ' ' +
    process.arch +
    ': run it in a Linux x64 virtual machine or container.';
} else if (!(parts[0] in supported) || parts[1] < supported[parts[0]]) {
  problem =
    'Node ' +
    process.versions.node +
    ' is not supported: install the newest Node 20, 22, 24 or 26 (https://nodejs.org), then run the command again.';
} else if (!hasGlibc()) {
  problem =
    'TensorFlow needs glibc, and this Linux has musl, as Alpine does: take Debian, Ubuntu, Fedora or the like ' +
    '(the image node:24, not node:24-alpine), then run the command again.';
}
if (problem) {
  console.error(problem);
  process.exit(1);
}

/** The C library of most Linux systems. */
function hasGlibc() {
  process.report.excludeNetwork = true; // looking at it can take seconds
  return process.report.getReport().header.glibcVersionRuntime !== undefined;
}
