import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataType } from 'cifar10/engine';
import { addNode, createGraph } from 'cifar10/engine';
import { isEmpty, isFloat32, isInts, isText, isTrue, rewrite, type Rule } from 'cifar10/engine';

const type = { dtype: DataType.float32, shape: [2, 3] };
const rename =
  (from: string, to: string): Rule =>
  (node) =>
    node.op === from ? { ...node, op: to } : undefined;

test('the first rule that knows a node replaces it, others stay, and the graph itself is not touched', () => {
  const graph = createGraph();
  const a = addNode(graph, 'A', [], {}, [type]);
  const b = addNode(graph, 'B', [{ node: a, index: 0 }], {}, [type]);
  const c = addNode(graph, 'C', [], {}, [type], { after: [a, b] });
  const { nodes } = rewrite(graph, [rename('A', 'X'), rename('A', 'Y'), rename('B', 'Z')]);
  assert.deepEqual(
    nodes.map(({ op }) => op),
    ['X', 'Z', 'C'],
  );
  assert.deepEqual(
    nodes.map(({ name }) => name),
    [a.name, b.name, c.name],
  );
  assert.equal(nodes[1].inputs[0].node, nodes[0], 'what comes after a replaced node sees the new one');
  assert.deepEqual(nodes[2].after, [nodes[0], nodes[1]]);
  assert.ok(nodes[2].after[0] === nodes[0] && nodes[2].after[1] === nodes[1]);
  assert.deepEqual(
    graph.nodes.map(({ op }) => op),
    ['A', 'B', 'C'],
  );
  assert.equal(graph.nodes[1].inputs[0].node, a);
});

test('attributes: of the right kind and value, or not', () => {
  assert.deepEqual([{ bool: true }, { bool: false }, { int: 1 }, undefined].map(isTrue), [true, false, false, false]);
  assert.equal(isText({ string: 'SAME' }, 'SAME'), true);
  assert.equal(isText({ string: 'VALID' }, 'SAME'), false);
  assert.equal(isText(undefined, 'SAME'), false);
  assert.equal(isInts({ ints: [1, 2] }, [1, 2]), true);
  assert.equal(isInts({ ints: [1, 2, 3] }, [1, 2]), false);
  assert.equal(isInts({ int: 1 }, [1]), false);
  assert.equal(isEmpty([2, 0, 3]), true);
  assert.equal(isEmpty([]), false);
  const node = addNode(createGraph(), 'A', [], {}, [{ ...type, dtype: DataType.bfloat16 }]);
  assert.equal(isFloat32(node), false);
});
