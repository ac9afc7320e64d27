'use strict';
// Runs before a test file (node --require). One that ends its process itself, before its tests have ended, has failed, whatever
// exit code it gives.
const { exit } = process;
process.exit = (code) => exit.call(process, code || 1);
