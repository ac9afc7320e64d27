// A graph, loaded into TensorFlow: serialized as a SavedModel, which is all that tfjs's binding can load.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-node';
import { backend } from './backend';
import { type Attribute, type Graph, type Node, type Value } from './graph';

export interface Session {
  /** Feeds tensors to placeholders, runs the graph, and returns the fetched nodes' values (the caller's to dispose). */
  run(feeds: readonly Feed[], fetches: readonly Node[]): tf.Tensor[];
  dispose(): void;
}

export interface Feed {
  readonly placeholder: Node;
  readonly tensor: tf.Tensor;
}

/** What TensorFlow holds for a session. */
type SavedModel = { binding: ReturnType<typeof backend>['binding']; id: number };

/** Frees sessions that were garbage-collected, such as that of a notebook's cell that was run again. */
const collected = new FinalizationRegistry<SavedModel>(({ binding, id }) => binding.deleteSavedModel(id));

/** Loads a graph. TensorFlow optimizes it at its first run, which takes seconds for a deep model. */
export function openSession(graph: Graph): Session {
  const { binding } = backend();
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-graph-'));
  let id: number;
  try {
    writeFileSync(join(folder, 'saved_model.pb'), toSavedModel(graph));
    id = binding.loadSavedModel(folder, 'serve');
  } finally {
    rmSync(folder, { recursive: true });
  }
  const session: Session = {
    run(feeds, fetches) {
      const inputs = backend().getInputTensorIds(feeds.map(({ tensor }) => tensor));
      const inputNames = feeds.map(({ placeholder }) => `${placeholder.name}:0`).join(',');
      const outputs = binding.runSavedModel(id, inputs, inputNames, fetches.map(({ name }) => `${name}:0`).join(','));
      return outputs.map((metadata) => backend().createOutputTensor(metadata));
    },
    dispose() {
      collected.unregister(session);
      binding.deleteSavedModel(id);
    },
  };
  collected.register(session, { binding, id }, session);
  return session;
}

/** A class that protoc generated: `setX` for a field x, `setXList` for a repeated one. */
interface Message {
  [setter: `set${string}`]: (value: unknown) => void;
  serializeBinary(): Uint8Array;
  addNode(node: Message): void;
  getAttrMap(): { set(key: string, value: Message): void };
}
type MessageClass = new () => Message;

// The package has no types for it, hence no import.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const messages = require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as Record<
  'SavedModel' | 'GraphDef' | 'VersionDef' | 'NodeDef' | 'Tensor',
  MessageClass
> & {
  MetaGraphDef: MessageClass & { MetaInfoDef: MessageClass };
  AttrValue: MessageClass & { ListValue: MessageClass };
  TensorShape: MessageClass & { Dim: MessageClass };
};

function message(type: MessageClass, fields: Record<string, unknown>): Message {
  const result = new type();
  for (const [name, value] of Object.entries(fields)) result[`set${name}`](value);
  return result;
}

/** GraphDef version: June 2024's. TensorFlow 2.21 is at 2474 itself (`core/public/version.h`), and reads older ones. */
const GRAPH_VERSION = { Producer: 1882, MinConsumer: 12 };

function toSavedModel(graph: Graph): Uint8Array {
  const definition = message(messages.GraphDef, { Versions: message(messages.VersionDef, GRAPH_VERSION) });
  for (const node of graph.nodes) definition.addNode(toNodeDef(node));
  const info = message(messages.MetaGraphDef.MetaInfoDef, { TagsList: ['serve'] });
  const metaGraph = message(messages.MetaGraphDef, { MetaInfoDef: info, GraphDef: definition });
  return message(messages.SavedModel, { SavedModelSchemaVersion: 1, MetaGraphsList: [metaGraph] }).serializeBinary();
}

function toNodeDef({ name, op, inputs, attributes, after }: Node): Message {
  const reference = ({ node, index }: Value) => (index === 0 ? node.name : `${node.name}:${index}`);
  const InputList = [...inputs.map(reference), ...new Set(after.map((node) => `^${node.name}`))];
  const definition = message(messages.NodeDef, { Name: name, Op: op, InputList });
  for (const [key, attribute] of Object.entries(attributes)) definition.getAttrMap().set(key, toAttrValue(attribute));
  return definition;
}

function toAttrValue(attribute: Attribute): Message {
  const value = (fields: Record<string, unknown>) => message(messages.AttrValue, fields);
  if ('type' in attribute) return value({ Type: attribute.type });
  if ('int' in attribute) return value({ I: attribute.int });
  if ('ints' in attribute) return value({ List: message(messages.AttrValue.ListValue, { IList: attribute.ints }) });
  if ('float' in attribute) return value({ F: attribute.float });
  if ('bool' in attribute) return value({ B: attribute.bool });
  if ('string' in attribute) return value({ S: new Uint8Array(Buffer.from(attribute.string)) });
  if ('shape' in attribute) return value({ Shape: toShape(attribute.shape) });
  const { dtype, shape, bytes } = attribute.tensor;
  return value({
    Tensor: message(messages.Tensor, { Dtype: dtype, TensorShape: toShape(shape), TensorContent: bytes }),
  });
}

const toShape = (shape: number[]): Message =>
  message(messages.TensorShape, { DimList: shape.map((size) => message(messages.TensorShape.Dim, { Size: size })) });
