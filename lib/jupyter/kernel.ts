// Loaded by the kernel before tslab (`node --require`): mends what tslab 1.0.22 gets wrong.
import * as ts from '@tslab/typescript-for-tslab';
import { teachComms, type ZmqServer as CommServer } from './comms';

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
ZmqServer.prototype.publishStatus = function (status, request) {
  publish.call(this, status, request);
  if (status === 'busy') unfinished.add(request);
  else unfinished.delete(request);
  const [next] = unfinished;
  if (status === 'idle' && next) publish.call(this, 'busy', next);
};

// Widgets need comms. Here and not in the library: a page asks for them as soon as it connects, before any cell has run.
teachComms(ZmqServer.prototype);

/** Writes `{ epochs }` as `{ epochs: epochs }`; the rest of the code stays as it is, line by line. */
export function expandShorthands(code: string): string {
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

interface TslabJupyter {
  ZmqServer: { prototype: CommServer };
  JupyterHandlerImpl: {
    prototype: {
      handleExecuteImpl: (this: unknown, request: { readonly code: string }, ...rest: unknown[]) => unknown;
    };
  };
}
