import { readFileSync } from 'node:fs';

/**
 * When a living process began, in the system's ticks; undefined when there is none of this number. With its number, it
 * names a process for good: numbers are used again.
 */
export function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[19]); // a zombie has ended, but nobody has asked how
  } catch {
    return undefined;
  }
}
