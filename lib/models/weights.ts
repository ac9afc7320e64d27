// A model's weights in a safetensors file that PyTorch reads too: `load_state_dict` of the same network takes it strictly.
import type * as tf from '@tensorflow/tfjs-node';
import { readSafetensors, writeSafetensors } from '../util/safetensors';
import { loadStateDict, namedParameters, stateDict } from './stateDict';

/**
 * Saves a model's weights under PyTorch's names, in its shapes and layout.
 * @throws SaveError when the disk refuses; a file that was there before is then still as it was
 */
export function saveWeights(model: tf.LayersModel, file: string): void {
  writeSafetensors(file, stateDict(namedParameters(model)), { format: 'pt' });
}

/**
 * Loads weights that `saveWeights`, a checkpoint or PyTorch (`safetensors.torch.save_file`) saved, into a model.
 * @throws Error when the file is no whole safetensors file, or when names or shapes are not this model's, listing them; the
 *   model is then as it was
 */
export function loadWeights(model: tf.LayersModel, file: string): void {
  loadStateDict(namedParameters(model), readSafetensors(file).tensors, file);
}
