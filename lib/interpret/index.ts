// What a trained model does, as numbers; cifar10/charts draws them.
export { activations } from './activations';
export type { ActivationOptions } from './activations';
export { filters } from './filters';
export { gradCam } from './gradCam';
export type { GradCamOptions } from './gradCam';
export { predictImage, readImage } from './image';
export type { ImagePrediction } from './image';
export { interpret, interpretProbabilities } from './interpretation';
export type { Confusion, Interpretation, Prediction, PredictionLoss } from './interpretation';
export { layerGradient, layerMaps, logitsOf } from './layerMaps';
