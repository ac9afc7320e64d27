// What the CPU offers, as our C++ determines it (lib/engine/native/isa.h and cores.h).
import { cores, isa, type Isa } from '@tensorflow/tfjs-node/native';

export { cores, isa, type Isa };

/** Each includes those before it. */
const ISAS: readonly Isa[] = ['baseline', 'avx2', 'avx512', 'avx512_bf16', 'amx_bf16'];

/** Whether the CPU has an instruction set, and the system lets this process use it. */
export const cpuHas = (wanted: Isa): boolean => ISAS.indexOf(isa()) >= ISAS.indexOf(wanted);
