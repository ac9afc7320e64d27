// The shapes and types of each TensorFlow op's outputs. By these rules a function is traced without computing anything, which
// takes milliseconds and no memory. An op without a rule can't be compiled.
import * as tf from '@tensorflow/tfjs-node';
import { DataType } from '../backend';
import type { Attribute, TensorType } from '../graph';
import { CUSTOM_OPS } from '../ops/customOpNames';

/** An op with its inputs, as a rule sees it. */
export interface OpCall {
  readonly inputs: TensorType[];
  readonly attributes: Record<string, Attribute>;
  /** The values of an input that is constant, such as the shape that Reshape takes. */
  readonly constant: (index: number) => number[];
}

type ShapeRule = (call: OpCall) => TensorType[];

/** Inputs whose shapes do not fit; the message says what they must be. */
export class ShapeError extends Error {}

const like: ShapeRule = ({ inputs: [x] }) => [x];
const broadcast: ShapeRule = ({ inputs }) => [{ dtype: inputs[0].dtype, shape: broadcastShapes(inputs) }];
const compare: ShapeRule = ({ inputs }) => [{ dtype: DataType.bool, shape: broadcastShapes(inputs) }];
const select: ShapeRule = ({ inputs }) => [{ dtype: inputs[1].dtype, shape: broadcastShapes(inputs) }];

const reduce: ShapeRule = ({ inputs: [x], attributes, constant }) => {
  const axes = constant(1).map((axis) => fromEnd(axis, x.shape.length));
  const keep = 'keep_dims' in attributes && flag(attributes.keep_dims);
  const shape = x.shape.flatMap((size, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [size]));
  return [{ dtype: x.dtype, shape }];
};

const argReduce: ShapeRule = ({ inputs: [x], attributes, constant }) => {
  const axis = fromEnd(constant(1)[0], x.shape.length);
  const dtype = attributes.output_type ? typeOf(attributes.output_type) : DataType.int64;
  return [{ dtype, shape: x.shape.filter((_, index) => index !== axis) }];
};

const matMul: ShapeRule = ({ inputs: [a, b], attributes }) => {
  const [rows, columns] = [flag(attributes.transpose_a) ? 1 : 0, flag(attributes.transpose_b) ? 0 : 1];
  if (a.shape[1 - rows] !== b.shape[1 - columns]) throw new ShapeError('the sizes that are summed over must be equal');
  return [{ dtype: a.dtype, shape: [a.shape[rows], b.shape[columns]] }];
};

const batchMatMul: ShapeRule = ({ inputs: [a, b], attributes }) => {
  const [rows, columns] = [flag(attributes.adj_x) ? -1 : -2, flag(attributes.adj_y) ? -2 : -1];
  if (a.shape.at(-3 - rows) !== b.shape.at(-3 - columns))
    throw new ShapeError('the sizes that are summed over must be equal');
  const batch = broadcastShapes([a, b].map((type) => ({ ...type, shape: type.shape.slice(0, -2) })));
  return [{ dtype: a.dtype, shape: [...batch, a.shape.at(rows)!, b.shape.at(columns)!] }];
};

/** Convolution and pooling, NHWC: the window's size comes from the filter or from `ksize`. */
const slide =
  (windowOf: (call: OpCall) => number[], channelsOf: (call: OpCall) => number): ShapeRule =>
  (call) => {
    const [batch, ...area] = call.inputs[0].shape;
    const strides = ints(call.attributes.strides);
    const dilations = call.attributes.dilations ? ints(call.attributes.dilations) : [1, 1, 1, 1];
    const padding = text(call.attributes.padding);
    const window = windowOf(call);
    const sizes = [0, 1].map((axis) => {
      const span = (window[axis] - 1) * dilations[axis + 1] + 1;
      if (padding === 'SAME') return Math.ceil(area[axis] / strides[axis + 1]);
      const pads =
        padding === 'EXPLICIT' ? ints(call.attributes.explicit_paddings).slice(2 * axis + 2, 2 * axis + 4) : [0, 0];
      return Math.floor((area[axis] + pads[0] + pads[1] - span) / strides[axis + 1]) + 1;
    });
    return [{ dtype: call.inputs[0].dtype, shape: [batch, ...sizes, channelsOf(call)] }];
  };
const pool = slide(
  ({ attributes }) => ints(attributes.ksize).slice(1, 3),
  ({ inputs }) => inputs[0].shape[3],
);

const perChannel = (x: TensorType): TensorType => ({ dtype: DataType.float32, shape: [x.shape[3]] });
const nothing: TensorType = { dtype: DataType.float32, shape: [0] };

const concat: ShapeRule = ({ inputs, constant }) => {
  const tensors = inputs.slice(0, -1);
  const axis = fromEnd(constant(inputs.length - 1)[0], tensors[0].shape.length);
  const size = tensors.reduce((sum, { shape }) => sum + shape[axis], 0);
  return [{ dtype: tensors[0].dtype, shape: tensors[0].shape.map((old, index) => (index === axis ? size : old)) }];
};

const slice: ShapeRule = ({ inputs: [x], constant }) => {
  const begin = constant(1);
  const shape = constant(2).map((size, axis) => (size === -1 ? x.shape[axis] - begin[axis] : size));
  return [{ dtype: x.dtype, shape }];
};

const stridedSlice: ShapeRule = ({ inputs: [x], attributes, constant }) => {
  const masks = ['begin', 'end', 'ellipsis', 'new_axis', 'shrink_axis'].map((mask) => int(attributes[`${mask}_mask`]));
  const { finalShape } = tf.slice_util.sliceInfo(x.shape, constant(1), constant(2), constant(3), ...(masks as Masks));
  return [{ dtype: x.dtype, shape: finalShape }];
};
type Masks = [number, number, number, number, number];

const reshape: ShapeRule = ({ inputs: [x], constant }) => {
  const target = constant(1);
  const known = product(target.filter((size) => size !== -1));
  return [{ dtype: x.dtype, shape: target.map((size) => (size === -1 ? product(x.shape) / known : size)) }];
};

/** The rule of each op that can be compiled. */
export const shapeRules: Readonly<Record<string, ShapeRule>> = {
  ...each(['Abs', 'Acos', 'Acosh', 'AddN', 'Asin', 'Asinh', 'Atan', 'Atanh', 'BiasAdd', 'Ceil', 'Cos', 'Cosh'], like),
  ...each(
    ['Cumprod', 'Cumsum', 'Elu', 'EluGrad', 'Erf', 'Exp', 'Expm1', 'Floor', 'Identity', 'LeakyRelu', 'Log'],
    like,
  ),
  ...each(
    ['Log1p', 'LogicalNot', 'LogSoftmax', 'LRN', 'LRNGrad', 'MaxPoolGrad', 'Neg', 'OnesLike', 'Reciprocal'],
    like,
  ),
  ...each(['Relu', 'Relu6', 'ReluGrad', 'ReverseV2', 'Round', 'Rsqrt', 'Selu', 'Sigmoid', 'Sign', 'Sin', 'Sinh'], like),
  ...each(['Softmax', 'Softplus', 'Sqrt', 'Square', 'Tan', 'Tanh', 'TensorScatterUpdate', 'ZerosLike'], like),
  ...each(['IsFinite', 'IsInf', 'IsNan'], compare),
  ...each(['Add', 'AddV2', 'Sub', 'Mul', 'Div', 'RealDiv', 'DivNoNan', 'FloorDiv', 'FloorMod'], broadcast),
  ...each(['Atan2', 'Maximum', 'Minimum', 'Pow', 'SquaredDifference'], broadcast),
  ...each(['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'LogicalAnd', 'LogicalOr'], compare),
  SelectV2: select,
  Select: ({ inputs }) => [inputs[1]], // its condition may be a vector: one for each row
  ...each(['Sum', 'Mean', 'Max', 'Min', 'Prod', 'All', 'Any'], reduce),
  ...each(['ArgMax', 'ArgMin'], argReduce),
  ...each(['MaxPool', 'AvgPool'], pool),
  MatMul: matMul,
  BatchMatMulV2: batchMatMul,
  Conv2D: slide(
    ({ inputs }) => inputs[1].shape,
    ({ inputs }) => inputs[1].shape[3],
  ),
  DepthwiseConv2dNative: slide(
    ({ inputs }) => inputs[1].shape,
    ({ inputs }) => inputs[1].shape[2] * inputs[1].shape[3],
  ),
  ...each(['Conv2DBackpropInput', 'DepthwiseConv2dNativeBackpropInput'], ({ inputs, constant }) => [
    { dtype: inputs[2].dtype, shape: constant(0) },
  ]),
  ...each(['Conv2DBackpropFilter', 'DepthwiseConv2dNativeBackpropFilter'], ({ inputs, constant }) => [
    { dtype: inputs[2].dtype, shape: constant(1) },
  ]),
  AvgPoolGrad: ({ inputs, constant }) => [{ dtype: inputs[1].dtype, shape: constant(0) }],
  BiasAddGrad: ({ inputs: [dy] }) => [{ dtype: dy.dtype, shape: dy.shape.slice(-1) }],
  FusedBatchNormV3: ({ inputs: [x] }) => [x, ...Array<TensorType>(4).fill(perChannel(x)), nothing],
  FusedBatchNormGradV3: ({ inputs: [x] }) => [x, perChannel(x), perChannel(x), nothing, nothing],
  [CUSTOM_OPS.batchNorm]: ({ inputs: [x, gamma] }) => [x, ...Array<TensorType>(4).fill(gamma)],
  [CUSTOM_OPS.batchNormGrad]: ({ inputs: [, x, gamma] }) => [x, gamma, gamma],
  [CUSTOM_OPS.sgd]: ({ inputs: [parameter, velocity] }) => [parameter, velocity],
  SparseSoftmaxCrossEntropyWithLogits: ({ inputs: [x, labels] }) => {
    if (labels.shape.join() !== String(x.shape[0])) throw new ShapeError('expected logits [N, K] and labels [N]');
    return [{ dtype: x.dtype, shape: [x.shape[0]] }, x];
  },
  StatelessRandomUniform: ({ constant }) => [{ dtype: DataType.float32, shape: constant(0) }],
  ImageProjectiveTransformV3: ({ inputs: [x], constant }) => [
    { dtype: x.dtype, shape: [x.shape[0], ...constant(2), x.shape[3]] },
  ],
  CropAndResize: ({ inputs: [x, boxes], constant }) => [
    { dtype: DataType.float32, shape: [boxes.shape[0], ...constant(3), x.shape[3]] },
  ],
  ResizeBilinearGrad: ({ inputs: [, x] }) => [x],
  ResizeBilinear: ({ inputs: [x], constant }) => [
    { dtype: DataType.float32, shape: [x.shape[0], ...constant(1), x.shape[3]] },
  ],
  ...each(['ResizeNearestNeighbor', 'ResizeNearestNeighborGrad'], ({ inputs: [x], constant }) => [
    { dtype: x.dtype, shape: [x.shape[0], ...constant(1), x.shape[3]] },
  ]),
  Cast: ({ inputs: [x], attributes }) => [{ dtype: typeOf(attributes.DstT), shape: x.shape }],
  Reshape: reshape,
  ExpandDims: ({ inputs: [x], constant }) => {
    const shape = x.shape.slice();
    shape.splice(fromEnd(constant(1)[0], x.shape.length + 1), 0, 1);
    return [{ dtype: x.dtype, shape }];
  },
  Transpose: ({ inputs: [x], constant }) => [{ dtype: x.dtype, shape: constant(1).map((axis) => x.shape[axis]) }],
  Slice: slice,
  StridedSlice: stridedSlice,
  Tile: ({ inputs: [x], constant }) => {
    const times = constant(1);
    return [{ dtype: x.dtype, shape: x.shape.map((size, axis) => size * times[axis]) }];
  },
  ...each(['PadV2', 'MirrorPad'], ({ inputs: [x], constant }) => {
    const pads = constant(1);
    return [{ dtype: x.dtype, shape: x.shape.map((size, axis) => size + pads[2 * axis] + pads[2 * axis + 1]) }];
  }),
  ConcatV2: concat,
  Pack: ({ inputs, attributes }) => {
    const shape = inputs[0].shape.slice();
    shape.splice(fromEnd(int(attributes.axis), shape.length + 1), 0, inputs.length);
    return [{ dtype: inputs[0].dtype, shape }];
  },
  Unpack: ({ inputs: [x], attributes }) => {
    const axis = fromEnd(int(attributes.axis), x.shape.length);
    const part = { dtype: x.dtype, shape: x.shape.filter((_, index) => index !== axis) };
    return Array<TensorType>(x.shape[axis]).fill(part);
  },
  SplitV: ({ inputs: [x], constant }) => {
    const split = fromEnd(constant(2)[0], x.shape.length);
    return constant(1).map((size) => ({
      dtype: x.dtype,
      shape: x.shape.map((old, axis) => (axis === split ? size : old)),
    }));
  },
  GatherV2: ({ inputs: [x, indices], attributes, constant }) => {
    const axis = fromEnd(constant(2)[0], x.shape.length);
    const places = indices.shape.slice(attributes.batch_dims ? int(attributes.batch_dims) : 0);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...places, ...x.shape.slice(axis + 1)] }];
  },
  GatherNd: ({ inputs: [x, indices] }) => {
    const depth = indices.shape[indices.shape.length - 1];
    return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(depth)] }];
  },
  ScatterNd: ({ inputs: [, updates], constant }) => [{ dtype: updates.dtype, shape: constant(2) }],
  UnsortedSegmentSum: ({ inputs: [x, segments], constant }) => [
    { dtype: x.dtype, shape: [...constant(2), ...x.shape.slice(segments.shape.length)] },
  ],
  TopKV2: ({ inputs: [x], constant }) => {
    const shape = [...x.shape.slice(0, -1), ...constant(1)];
    return [
      { dtype: x.dtype, shape },
      { dtype: DataType.int32, shape },
    ];
  },
  Range: ({ inputs: [{ dtype }], constant }) => {
    const [start, limit, delta] = [0, 1, 2].map((input) => constant(input)[0]);
    return [{ dtype, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
  },
  LinSpace: ({ inputs: [{ dtype }], constant }) => [{ dtype, shape: constant(2) }],
  Fill: ({ inputs, constant }) => [{ dtype: inputs[1].dtype, shape: constant(0) }],
  OneHot: ({ inputs, constant }) => [{ dtype: inputs[2].dtype, shape: [...inputs[0].shape, constant(1)[0]] }],
};

/** Type attributes that tfjs leaves out, or gets wrong (of a mean of integers): the eager executor infers them. */
export const inferredTypes: Readonly<Record<string, (inputs: TensorType[]) => Record<string, DataType>>> = {
  ExpandDims: ([x, axis]) => ({ T: x.dtype, Tdim: axis.dtype }),
  GatherV2: ([x, indices, axis]) => ({ Tparams: x.dtype, Tindices: indices.dtype, Taxis: axis.dtype }),
  Mean: ([x]) => ({ T: x.dtype }),
};

function broadcastShapes(inputs: TensorType[]): number[] {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    inputs.reduce((size, { shape }) => {
      const own = shape[shape.length - rank + axis] ?? 1;
      if (own !== 1 && size !== 1 && own !== size)
        throw new ShapeError('from the last axis on, sizes must be equal or 1');
      return own === 1 ? size : own;
    }, 1),
  );
}

function each(ops: string[], rule: ShapeRule): Record<string, ShapeRule> {
  return Object.fromEntries(ops.map((op) => [op, rule]));
}

const product = (sizes: number[]): number => sizes.reduce((a, b) => a * b, 1);
const fromEnd = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const flag = (attribute: Attribute): boolean => 'bool' in attribute && attribute.bool;
const int = (attribute: Attribute): number => ('int' in attribute ? attribute.int : 0);
const ints = (attribute: Attribute): number[] => ('ints' in attribute ? attribute.ints : []);
const text = (attribute: Attribute): string => ('string' in attribute ? attribute.string : '');
const typeOf = (attribute: Attribute): DataType => ('type' in attribute ? attribute.type : DataType.float32);
