import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The project's `data/`: three folders above this file's compiled form, lib/dist/util. */
export const PROJECT_DATA = resolve(__dirname, '..', '..', '..', 'data');

/** Why a path cannot be what its writer meant, with what to write instead; undefined where nothing is odd about it. */
export function pathProblem(path: string): string | undefined {
  const rest = /^~(?:\/(.*))?$/.exec(path);
  if (rest) return `~ is something of the shell's; write ${join(homedir(), rest[1] ?? '')}`;
  if (/^file:/i.test(path)) {
    const plain = URL.canParse(path) ? decodeURIComponent(new URL(path).pathname) : path.slice('file:'.length);
    return `this is a URL; write ${plain}`;
  }
  const drive = /^([a-z]):[\\/](.*)$/i.exec(path);
  if (!drive || process.platform === 'win32') return undefined;
  return `this is a path of Windows; in WSL2 it is /mnt/${drive[1].toLowerCase()}/${drive[2].replaceAll('\\', '/')}`;
}
