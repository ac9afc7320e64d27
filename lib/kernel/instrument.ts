import * as ts from '@tslab/typescript-for-tslab';

/**
 * Makes the code of a cell stoppable: in each loop, and after each await, it compares the number of stops with that of the moment
 * when the function was called, and throws where they differ. Lines stay where they are.
 *
 * Node offers no other way: terminating JavaScript from outside runs no `finally`, and ends the process where a timer's
 * callback is terminated.
 *
 * @param code JavaScript that may use `__stops`, an Int32Array, and `__check(started, value)`, which throws or returns `value`
 */
export function instrument(code: string): string {
  const source = ts.createSourceFile('cell.js', code, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  /** For each function around a node, whether it has a check in it. */
  const functions: boolean[] = [];

  const rewrite = (node: ts.Node): string => {
    if (ts.isFunctionLike(node)) functions.push(false);
    let end = node.pos;
    let text = '';
    ts.forEachChild(node, (child) => {
      text += code.slice(end, child.pos) + (isBody(child) ? rewriteBody(child) : rewrite(child));
      end = child.end;
    });
    text += code.slice(end, node.end);
    if (ts.isFunctionLike(node)) functions.pop();
    if (ts.isAwaitExpression(node)) return wrap(node, text, `__check(__started, `, ')');
    // A generator goes on for whoever asks it to.
    if (ts.isYieldExpression(node)) return wrap(node, text, '[', ', __started = __stops[0]][0]');
    return text;
  };

  /** The body of a loop or of a function. */
  const rewriteBody = (node: ts.Node): string => {
    const text = rewrite(node);
    if (ts.isIterationStatement(node.parent, false)) {
      if (isTight(node.parent)) return text;
      functions[functions.length - 1] = true;
      const check = ' if (__started !== __stops[0]) __check(__started);';
      return ts.isBlock(node) ? insertAfterBrace(node, text, check) : wrap(node, text, `{${check} `, ' }');
    }
    if (!functions.at(-1)) return text;
    const start = ' let __started = __stops[0];';
    if (ts.isBlock(node)) return insertAfterBrace(node, text, start);
    return wrap(node, text, `{${start} return (`, '); }');
  };

  const wrap = (node: ts.Node, text: string, before: string, after: string): string => {
    if (ts.isAwaitExpression(node) || ts.isYieldExpression(node)) functions[functions.length - 1] = true;
    return insertAt(leading(node), text, before) + after;
  };
  const insertAfterBrace = (node: ts.Node, text: string, inserted: string) =>
    insertAt(leading(node) + 1, text, inserted);
  /** Length of the blanks and comments before a node: they are never changed. */
  const leading = (node: ts.Node) => node.getStart(source) - node.pos;

  return rewrite(source);
}

/**
 * Whether a loop only computes: there the check would cost more than the work. Such loops are terminated from outside, see the
 * watchdog.
 */
function isTight(loop: ts.IterationStatement): boolean {
  const isSimple = (node: ts.Node): boolean =>
    !ts.isAwaitExpression(node) &&
    !ts.isYieldExpression(node) &&
    !ts.isNewExpression(node) &&
    !ts.isIterationStatement(node, false) &&
    (!ts.isCallExpression(node) || /^Math\.\w+$/.test(node.expression.getText())) &&
    !ts.forEachChild(node, (child) => !isSimple(child));
  return (
    (ts.isForStatement(loop) || ts.isForOfStatement(loop)) &&
    Boolean(ts.isForOfStatement(loop) ? !loop.awaitModifier : loop.condition) &&
    isSimple(loop.statement)
  );
}

const insertAt = (place: number, text: string, inserted: string) => text.slice(0, place) + inserted + text.slice(place);

const isBody = (node: ts.Node): boolean =>
  (ts.isIterationStatement(node.parent, false) && node.parent.statement === node) ||
  (ts.isFunctionLike(node.parent) && (node.parent as ts.FunctionLikeDeclaration).body === node);
