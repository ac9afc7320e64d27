import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Newer parts of JavaScript: how to tell that they are there, and TypeScript's declarations of them. */
const parts: readonly [isThere: unknown, ...files: string[]][] = [
  ['toSorted' in Array.prototype, 'es2023.array'],
  ['isWellFormed' in String.prototype, 'es2024.string'],
  ['groupBy' in Object, 'es2024.object', 'es2024.collection'],
  ['withResolvers' in Promise, 'es2024.promise'],
  ['transfer' in ArrayBuffer.prototype, 'es2024.arraybuffer'],
  ['waitAsync' in Atomics, 'es2024.sharedmemory'],
  ['fromAsync' in Array, 'esnext.array'],
  ['union' in Set.prototype, 'esnext.collection'],
  ['try' in Promise, 'esnext.promise'],
  ['isError' in Error, 'esnext.error'],
  ['Float16Array' in globalThis, 'esnext.float16'],
];

/**
 * Files that declare what this Node has beyond ES2022: those of tslab's own TypeScript 5.0 where it has them (a newer one's typed
 * arrays are generic, which its own are not), else those of the TypeScript that builds the library.
 */
export function typeLibraries(): string[] {
  const root = join(__dirname, '..', '..', '..');
  const folders = ['@tslab/typescript-for-tslab', 'typescript'].map((name) => join(root, 'node_modules', name, 'lib'));
  const fileOf = (name: string) => folders.map((folder) => join(folder, `lib.${name}.d.ts`)).find(existsSync) ?? [];
  const names = parts.flatMap(([isThere, ...names]) => (isThere ? names : []));
  const iterator = 'Iterator' in globalThis ? [join(root, 'lib', 'kernel', 'types', 'iterator.d.ts')] : [];
  return [...names.flatMap(fileOf), ...iterator];
}
