import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Newer parts of JavaScript: how to tell that they are there, and TypeScript's declarations of them. */
const parts: readonly [isThere: unknown, ...files: string[]][] = [
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
 * Files that declare what this Node has beyond ES2022. tslab's TypeScript 5.0 has few of them: they are those of the TypeScript
 * that builds the library, or ours where these don't go with tslab's.
 */
export function typeLibraries(): string[] {
  const root = join(__dirname, '..', '..', '..');
  const folder = join(root, 'node_modules', 'typescript', 'lib');
  const names = parts.flatMap(([isThere, ...names]) => (isThere ? names : []));
  const own = [...('toSorted' in Array.prototype ? ['array'] : []), ...('Iterator' in globalThis ? ['iterator'] : [])];
  return [
    ...names.map((name) => join(folder, `lib.${name}.d.ts`)),
    ...own.map((name) => join(root, 'lib', 'kernel', 'types', `${name}.d.ts`)),
  ].filter(existsSync);
}
