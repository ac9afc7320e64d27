import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When a living process began, in units of the system; undefined where no process has this number. With its number, it names a
 * process for good: numbers are used again.
 */
export function startOf(pid: number): number | undefined {
  try {
    if (process.platform !== 'linux') {
      const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
      return Date.parse(text) || undefined;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[19]); // a zombie has ended, but nobody has asked how
  } catch {
    return undefined;
  }
}
