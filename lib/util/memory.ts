// How much memory this process can still get.
import { existsSync, readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';

/** Where the two versions of Linux's control groups keep their numbers. */
const VERSIONS = [
  { controller: '', base: 'sys/fs/cgroup', limit: 'memory.max', usage: 'memory.current', cache: 'inactive_file' },
  {
    ...{ controller: 'memory', base: 'sys/fs/cgroup/memory' },
    ...{ limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cache: 'total_inactive_file' },
  },
];

/**
 * Bytes that this process can still take: what the system has, or less where a control group (a container, `docker run
 * --memory`, `systemd-run -p MemoryMax=`) has a limit, be it the process's own group or one above it. File cache that the system
 * would let go of does not count as used.
 * @param root of the file system, for tests
 */
export function availableBytes(root = '/'): number {
  return Math.min(freemem(), ...groupsOf(root).map(availableIn));
}

interface Group {
  readonly folder: string;
  readonly version: (typeof VERSIONS)[number];
}

/** The groups that limit this process's memory: those in /proc/self/cgroup, and all above them. */
function groupsOf(root: string): Group[] {
  return (read(join(root, 'proc/self/cgroup')) ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const version = VERSIONS.find(({ controller }) => controllers?.split(',').includes(controller));
    if (!version) return [];
    // In a container the path may be that of the host: then only its beginning, the group of the mount, is found.
    const parts = path.split('/').filter((part) => part !== '' && part !== '..');
    return [...parts.keys(), parts.length].map((length) => ({
      folder: join(root, version.base, ...parts.slice(0, length)),
      version,
    }));
  });
}

function availableIn({ folder, version: { limit, usage, cache } }: Group): number {
  const [most, used] = [limit, usage].map((file) => Number.parseInt(read(join(folder, file)) ?? '', 10));
  if (Number.isNaN(most) || Number.isNaN(used)) return Infinity; // no limit ("max"), or no such group
  const cached = new RegExp(`^${cache} (\\d+)$`, 'm').exec(read(join(folder, 'memory.stat')) ?? '');
  return Math.max(0, most - used + Number(cached?.[1] ?? 0));
}

const read = (file: string): string | undefined => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);
