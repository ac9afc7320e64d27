// Loaded by the kernel before tslab (`node --require`): mends what tslab 1.0.22 gets wrong.
import vm from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import * as ts from '@tslab/typescript-for-tslab';
import { installComms, kernelSession, type ZmqServer as CommServer } from './comms';
import { isStopError, pressStop, shared, TRANSLATING } from './interruptible';
import { limitOutput, type WriteStream } from './output';
import { runCell } from './runCell';
import { typeLibraries } from './typeLibraries';
import { startWatchdog } from './watchdog';

/* eslint-disable @typescript-eslint/no-require-imports -- tslab has no types for its modules */
const { JupyterHandlerImpl, ZmqServer } = require('tslab/dist/jupyter') as TslabJupyter;
const converter = require('tslab/dist/converter') as TslabConverter;
/* eslint-enable @typescript-eslint/no-require-imports */

// A cell whose only await is that of `for await` would be run as a function that is not async: a SyntaxError. All are.
const createConverter = converter.createConverter;
converter.createConverter = (options) => {
  const { convert, complete, inspect, ...others } = createConverter(options);
  return {
    ...others,
    convert: (...cell) => translating(() => ({ ...convert(...cell), hasToplevelAwait: true })),
    complete: (...cell) => translating(() => complete(...cell)),
    inspect: (...cell) => translating(() => inspect(...cell)),
  };
};

function translating<T>(work: () => T): T {
  Atomics.store(shared, TRANSLATING, 1);
  try {
    return work();
  } finally {
    Atomics.store(shared, TRANSLATING, 0);
  }
}

// Stop only ends what runs before a cell's first await (`breakOnSigint`), and does not even reach loops behind it.
const evaluate = vm.runInThisContext.bind(vm);
vm.runInThisContext = (code, options) => {
  const isCell = typeof options === 'object' && options.breakOnSigint === true;
  return isCell ? runCell(code, evaluate) : (evaluate(code, options) as unknown);
};

const execute = JupyterHandlerImpl.prototype.handleExecuteImpl;
JupyterHandlerImpl.prototype.handleExecuteImpl = function (request, ...rest) {
  this.executor.interrupt = pressStop;
  muteStopped();
  return execute.call(this, { ...request, code: adapt(request.code) }, ...rest);
};

/** Code that no cell waits for ends in silence when it is stopped: tslab's listeners, which print errors, don't get that one. */
function muteStopped(): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    for (const listener of process.listeners(event as 'exit') as ((...values: unknown[]) => void)[]) {
      if (muted.has(listener)) continue;
      const quiet: typeof listener = (error, ...rest) => isStopError(error) || listener(error, ...rest);
      muted.add(quiet);
      process.off(event, listener).on(event, quiet);
    }
  }
}
const muted = new WeakSet<(...values: unknown[]) => void>();

// tslab reports every queued cell as busy up front: after the first one JupyterLab showed an idle kernel.
const publish = ZmqServer.prototype.publishStatus;
const unfinished = new Set<unknown>();
const patched = new Set<TslabMessage>();
ZmqServer.prototype.publishStatus = function (status, request) {
  useOwnSession(request as TslabMessage);
  publish.call(this, status, request);
  if (status === 'busy') unfinished.add(request);
  else unfinished.delete(request);
  const [next] = unfinished;
  if (status === 'idle' && next) publish.call(this, 'busy', next);
};

// tslab answers in the session of the request. JupyterLab takes another session for another kernel, and drops messages that it
// has received but not handled yet: those of a reloaded page or of widgets got lost. Each request comes by here before it is
// answered.
function useOwnSession(request: TslabMessage): void {
  const prototype = Object.getPrototypeOf(request) as TslabMessage;
  if (patched.has(prototype) || !prototype.createReply) return;
  patched.add(prototype);
  const createReply = prototype.createReply;
  prototype.createReply = function () {
    const reply = createReply.call(this);
    reply.header.session = kernelSession;
    return reply;
  };
}

// zeromq holds each 513th message back for a moment, and refuses the next one meanwhile: a cell with two live displays failed
// after some minutes, without a word, because its error could not be sent either. A publisher never has to wait. And of more
// than 1,000 waiting messages it drops some, the cell's end among them: now there is no such limit.
const bind = ZmqServer.prototype.bindSocket;
ZmqServer.prototype.bindSocket = function (socket, port) {
  if (socket === this.iopub) Object.assign(this.iopub, { sendTimeout: 0, sendHighWaterMark: 0 });
  return bind.call(this, socket, port);
};

// tslab sends each printed line as a message of its own. What was printed before something else (a chart, the cell's end) is
// sent before it.
const handleExecute = JupyterHandlerImpl.prototype.handleExecute;
JupyterHandlerImpl.prototype.handleExecute = async function (request, writeStream, writeDisplayData) {
  const output = limitOutput(writeStream);
  const show: typeof writeDisplayData = (...content) => {
    output.flush();
    writeDisplayData(...content);
  };
  try {
    return await handleExecute.call(this, request, output.write, show);
  } finally {
    output.end();
  }
};

if (isMainThread) startWatchdog();

// A page asks for comms as soon as it connects, before any cell has run.
installComms(ZmqServer.prototype);

// tslab only knows what ES2022 has, whatever Node can do.
const readFile = ts.sys.readFile.bind(ts.sys);
ts.sys.readFile = (path, encoding) => {
  const text = readFile(path, encoding);
  if (!path.endsWith('/lib.es2022.d.ts')) return text;
  return (
    text +
    typeLibraries()
      .map((file) => `\n/// <reference path="${file}" />`)
      .join('')
  );
};

// tslab has room for one timer of TypeScript's. Where a folder or a package.json changed, in the project or above it, there was a
// second one, and every later cell failed: “Unexpected pending rebuildTimer”. Packages installed later are seen after a restart.
const watchFile = ts.sys.watchFile!.bind(ts.sys);
const unwatched: ts.FileWatcher = { close() {} };
ts.sys.watchDirectory = () => unwatched;
ts.sys.watchFile = (path, ...rest) => (path.endsWith('/package.json') ? unwatched : watchFile(path, ...rest));

/**
 * Writes `{ epochs }` as `{ epochs: epochs }`: in the former tslab does not see that `epochs` comes from an earlier cell. And drops
 * the `export` of code that comes from a file: tslab exports everything.
 */
function adapt(code: string): string {
  const source = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest, true);
  const edits: { at: number; removed: number; inserted: string }[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isShorthandPropertyAssignment(node) && !node.objectAssignmentInitializer) {
      edits.push({ at: node.name.end, removed: 0, inserted: `: ${node.name.text}` });
    }
    if (node.kind === ts.SyntaxKind.ExportKeyword && !/^export\s+default\b/.test(node.parent.getText())) {
      edits.push({ at: node.getStart(), removed: 'export'.length, inserted: '' });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return edits.reduceRight(
    (code, { at, removed, inserted }) => code.slice(0, at) + inserted + code.slice(at + removed),
    code,
  );
}

interface TslabMessage {
  createReply?: (this: TslabMessage) => { header: { session: string } };
}

interface TslabConverter {
  createConverter: (options: unknown) => Record<'convert' | 'complete' | 'inspect', (...cell: unknown[]) => object>;
}

interface TslabHandler {
  executor: { interrupt: () => void };
}

interface TslabJupyter {
  ZmqServer: { prototype: CommServer };
  JupyterHandlerImpl: {
    prototype: {
      handleExecute: (
        this: unknown,
        request: unknown,
        writeStream: WriteStream,
        writeDisplayData: (...content: unknown[]) => void,
      ) => Promise<unknown>;
      handleExecuteImpl: (this: TslabHandler, request: { readonly code: string }, ...rest: unknown[]) => unknown;
    };
  };
}
