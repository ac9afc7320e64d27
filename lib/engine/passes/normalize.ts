// Normalizes bytes in one pass over the memory (lib/engine/native), where TensorFlow's ops take three.
import { DataType } from '../backend';
import { CUSTOM_OPS } from '../ops/customOpNames';
import { isEmpty, isFloat32, outputShape, type Rule } from './rewrite';
import { type Node, typeOf, type Value } from '../graph';

/** x · scale − offset, of bytes x and two numbers. */
export const normalize: Rule = (node) => {
  const product = operandOf(node, 'Sub');
  if (!product) return undefined;
  const cast = operandOf(product, 'Mul');
  if (cast?.op !== 'Cast' || typeOf(cast.inputs[0]).dtype !== DataType.uint8) return undefined;
  if (!isFloat32(node) || isEmpty(outputShape(node))) return undefined;
  const inputs: Value[] = [cast.inputs[0], product.inputs[1], node.inputs[1]];
  return { ...node, op: CUSTOM_OPS.normalizeBytes, inputs, attributes: {} };
};

/** The node of an op's first operand, if the second is a scalar. */
function operandOf({ op, inputs }: Node, wanted: string): Node | undefined {
  return op === wanted && typeOf(inputs[1]).shape.length === 0 ? inputs[0].node : undefined;
}
