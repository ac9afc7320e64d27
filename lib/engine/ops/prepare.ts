// What the engine changes in tfjs: at its first use and once, not at import.
import { backend, countAssignments } from '../backend';
import { replaceKernels } from './kernels';

let isPrepared = false;

/**
 * Puts faster kernels in place of some of tfjs's (kernels.ts) and makes variables count their assignments. `compile` and all
 * ops of the engine call it; a model that ran before gives the same values afterwards, but for rounding.
 * @throws Error where tfjs computes with another backend than TensorFlow's
 */
export function prepareEngine(): void {
  backend();
  if (isPrepared) return;
  isPrepared = true;
  replaceKernels();
  countAssignments();
}
