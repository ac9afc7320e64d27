import { closeSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../util/atomicFile';
import { type Event, eventRecord } from './events';

/** A file of events that grows. */
export interface EventWriter {
  /** @throws the system's error when it can't be written */
  write(event: Omit<Event, 'wallTime'>): void;
  close(): void;
}

/**
 * Opens a new file of events in a folder, which is made where there is none. TensorBoard shows all files of a folder as one
 * run, in the order of their names.
 * @throws SaveError, or the system's error, when it can't be made
 */
export function openEventWriter(dir: string): EventWriter {
  makeFolder(dir);
  const descriptor = openSync(join(dir, nextName()), 'ax');
  const write = (event: Omit<Event, 'wallTime'>) => {
    const record = eventRecord({ wallTime: Date.now() / 1000, ...event });
    for (let done = 0; done < record.length;) done += writeSync(descriptor, record, done);
  };
  try {
    write({ fileVersion: 'brain.Event:2' });
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return { write, close: () => closeSync(descriptor) };
}

let opened = 0;

/** As TensorFlow names them; time and count come first, so that the order of names is that of time. */
function nextName(): string {
  const now = Date.now();
  const seconds = String(Math.floor(now / 1000)).padStart(10, '0');
  const rest = `${String(now % 1000).padStart(3, '0')}${String(opened++).padStart(6, '0')}`;
  return `events.out.tfevents.${seconds}.${rest}.${hostname()}.${process.pid}`;
}
