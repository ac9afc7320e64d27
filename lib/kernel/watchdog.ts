// Stop while code leaves the event loop no turn: SIGINT waits for one. A thread of its own hears it.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { shared, TURNS } from './interruptible';

export function startWatchdog(): void {
  const watchdog = new Worker(join(__dirname, 'watchdogThread.js'), { workerData: shared, execArgv: [] }); // not kernel.ts again
  watchdog.on('message', () => Atomics.add(shared, TURNS, 1));
  // Without it Stop only works between two turns of the event loop.
  watchdog.on('error', (error) => console.error('Stop can’t reach busy loops:', error));
  watchdog.unref();
}
