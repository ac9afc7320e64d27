// The names under which lib/engine/native registers its ops with TensorFlow. TensorFlow has one list of ops for the whole process.
export const CUSTOM_OPS = {
  batchNorm: 'BatchNorm',
  batchNormGrad: 'BatchNormGrad',
  batchNormReluGrad: 'BatchNormReluGrad',
  biasRelu: 'BiasRelu',
  reluBiasGrad: 'ReluBiasGrad',
  matMul: 'Product',
  maxPool: 'HalvingMaxPool',
  maxPoolGrad: 'HalvingMaxPoolGrad',
  normalizeBytes: 'NormaliseBytes',
  sgd: 'SgdUpdate',
  matMulSgd: 'LinearSgdUpdate',
  winograd: 'Winograd',
  winogradBiasRelu: 'WinogradBiasRelu',
  winogradBackpropInput: 'WinogradBackpropInput',
  winogradBackpropFilter: 'WinogradBackpropFilter',
} as const;
