// Loaded by the kernel before tslab (`node --require`): mends what tslab 1.0.22 gets wrong.
import * as ts from '@tslab/typescript-for-tslab';
import { kernelSession, installComms, type ZmqServer as CommServer } from './comms';

// eslint-disable-next-line @typescript-eslint/no-require-imports -- there are no types for what lies inside of tslab
const { JupyterHandlerImpl, ZmqServer } = require('tslab/dist/jupyter') as TslabJupyter;

// In `{ epochs }` tslab doesn't see that `epochs` comes from an earlier cell: “epochs is not defined”.
const execute = JupyterHandlerImpl.prototype.handleExecuteImpl;
JupyterHandlerImpl.prototype.handleExecuteImpl = function (request, ...rest) {
  return execute.call(this, { ...request, code: expandShorthands(request.code) }, ...rest);
};

// Of several cells that wait, tslab calls all busy at the start: after the first one JupyterLab showed an idle kernel.
const publish = ZmqServer.prototype.publishStatus;
const unfinished = new Set<unknown>();
const patched = new Set<TslabMessage>();
/** In ms. */
const MAX_WAIT = 100;
ZmqServer.prototype.publishStatus = function (status, request) {
  useOwnSession(request as TslabMessage);
  publish.call(this, status, request);
  if (status === 'busy') unfinished.add(request);
  else unfinished.delete(request);
  const [next] = unfinished;
  if (status === 'idle' && next) publish.call(this, 'busy', next);
};

// tslab answers in the session of whoever asked. JupyterLab takes another session for another kernel, and drops what it has
// received but not handled yet: of a page that was loaded anew, or of widgets, messages got lost. Each request comes by here
// before it is answered.
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

// zeromq holds each 513th message back for a moment, and refuses the next one meanwhile: a cell that showed two things at once
// failed after some minutes, without a word, because its error could not be sent either. A publisher never has to wait.
// And of more than 1,000 messages that wait for the page it drops some, the cell's end among them: there is no such limit now.
const bind = ZmqServer.prototype.bindSocket;
ZmqServer.prototype.bindSocket = function (socket, port) {
  if (socket === this.iopub) Object.assign(this.iopub, { sendTimeout: 0, sendHighWaterMark: 0 });
  return bind.call(this, socket, port);
};

// tslab sends each printed line as a message of its own: a page takes about 1,000 a second. What comes before something else
// (a chart, the cell's reply and its end) is sent before it.
const handleExecute = JupyterHandlerImpl.prototype.handleExecute;
JupyterHandlerImpl.prototype.handleExecute = async function (request, writeStream, writeDisplayData) {
  const printed = joinWrites(writeStream);
  const show: typeof writeDisplayData = (...content) => {
    printed.flush();
    writeDisplayData(...content);
  };
  try {
    return await handleExecute.call(this, request, printed.write, show);
  } finally {
    printed.flush();
  }
};

// Widgets need comms. Here and not in the library: a page asks for them as soon as it connects, before any cell has run.
installComms(ZmqServer.prototype);

/** Makes one message of what is written to a stream in one turn of the event loop, or in `MAX_WAIT`. */
function joinWrites(send: WriteStream): { write: WriteStream; flush: () => void } {
  let [stream, waiting] = ['', ''];
  let timer: NodeJS.Immediate | undefined;
  let sentAt = performance.now();
  const flush = () => {
    clearImmediate(timer);
    timer = undefined;
    const text = waiting;
    waiting = '';
    if (text) send(stream, text);
    sentAt = performance.now();
  };
  const write: WriteStream = (name, text) => {
    if (name !== stream) flush();
    stream = name;
    waiting += text;
    // A loop that leaves the event loop no turn shows how far it is, too.
    if (performance.now() - sentAt > MAX_WAIT) flush();
    else timer ??= setImmediate(flush);
  };
  return { write, flush };
}

/** Writes `{ epochs }` as `{ epochs: epochs }`; the rest of the code stays as it is, line by line. */
function expandShorthands(code: string): string {
  const source = ts.createSourceFile('cell.ts', code, ts.ScriptTarget.Latest, true);
  const names: { name: string; end: number }[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isShorthandPropertyAssignment(node) && !node.objectAssignmentInitializer) {
      names.push({ name: node.name.getText(), end: node.name.end });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names.reduceRight((code, { name, end }) => `${code.slice(0, end)}: ${name}${code.slice(end)}`, code);
}

type WriteStream = (name: string, text: string) => void;

interface TslabMessage {
  createReply?: (this: TslabMessage) => { header: { session: string } };
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
      handleExecuteImpl: (this: unknown, request: { readonly code: string }, ...rest: unknown[]) => unknown;
    };
  };
}
