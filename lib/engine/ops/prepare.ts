// What the engine changes in tfjs: at its first use and once, not at import.
import { backend, countAssignments } from '../backend';
import { understandBytes } from './bytes';
import { replaceKernels } from './kernels';

let isPrepared = false;

/**
 * Puts faster kernels in place of some of tfjs's (kernels.ts), lets its ops take uint8 tensors (bytes.ts) and makes variables
 * count their assignments. `compile` and all ops of the engine call it. A model that ran before gives the same values
 * afterwards, but for rounding.
 * @throws Error where tfjs computes with another backend than TensorFlow's
 */
export function prepareEngine(): void {
  backend();
  if (isPrepared) return;
  isPrepared = true;
  understandBytes();
  replaceKernels();
  countAssignments();
}
