// The names under which lib/engine/native registers its ops with TensorFlow. Op names are global in TensorFlow, hence the prefix.
export const CUSTOM_OPS = {
  batchNorm: 'Cifar10BatchNorm',
  batchNormGrad: 'Cifar10BatchNormGrad',
  batchNormReluGrad: 'Cifar10BatchNormReluGrad',
  biasRelu: 'Cifar10BiasRelu',
  biasReluGrad: 'Cifar10BiasReluGrad',
  matMul: 'Cifar10MatMulF32',
  maxPool: 'Cifar10MaxPool2x2',
  maxPoolGrad: 'Cifar10MaxPool2x2Grad',
  normalizeBytes: 'Cifar10NormalizeBytes',
  sgd: 'Cifar10ApplySgd',
  matMulSgd: 'Cifar10FusedMatMulSgd',
  winograd: 'Cifar10Winograd',
  winogradBiasRelu: 'Cifar10WinogradBiasRelu',
  winogradBackpropInput: 'Cifar10WinogradBackpropInput',
  winogradBackpropFilter: 'Cifar10WinogradBackpropFilter',
} as const;
