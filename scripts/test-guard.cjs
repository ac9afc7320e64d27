'use strict';
// Runs before a test file (node --require): sees to it that one that doesn't come to its end has failed.
const { isMainThread, Worker } = require('node:worker_threads');

// Node's runner, which starts the files, is no test file itself, and neither is a worker of one.
if (process.env.NODE_TEST_CONTEXT && isMainThread) {
  // One that ends its process itself, before its tests have ended, has failed, whatever exit code it gives.
  const { exit } = process;
  process.exit = (code) => exit.call(process, code || 1);

  // Since Node 24, --test-timeout ends single tests, and no file. Another thread does, because a loop can keep this one busy.
  const seconds = Number(process.env.TEST_SECONDS) + 5;
  const end = `require('node:fs').writeSync(2, 'still running after ${seconds} s\\n'); process.kill(process.pid, 'SIGKILL');`;
  new Worker(`setTimeout(() => { ${end} }, ${seconds * 1000})`, { eval: true }).unref();
}
