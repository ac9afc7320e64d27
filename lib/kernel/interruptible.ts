// Stop: the button in JupyterLab, Ctrl+C in a terminal. Both send SIGINT.
import { inspect } from 'node:util';
import { interrupt } from '../util/interrupt';

/** Milliseconds in which several presses of Stop count as one. */
export const ONE_PRESS = 1000;

/**
 * Runs `body` so that Stop asks it to end instead of tearing it down: the signal is aborted, `body` finishes what it is at and
 * returns what it has. A second Stop in the same cell, a second or more later, is for a cell that does not end: it ends with
 * an error. In a terminal the process ends.
 * @throws Error when stopped twice
 */
export async function interruptible<T>(body: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let giveUp: (reason: Error) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => (giveUp = reject));
  const leave = listen(() => controller.abort());
  bodies.add(giveUp);
  if (bodies.size === 1) hideOthers();
  Atomics.store(shared, PATIENT, bodies.size);
  try {
    return await Promise.race([body(controller.signal), givenUp]);
  } finally {
    bodies.delete(giveUp);
    Atomics.store(shared, PATIENT, bodies.size);
    if (bodies.size === 0) showOthers();
    leave();
  }
}

/** Calls `onStop` at each press of Stop until the function that it returns is called. */
export function listen(onStop: () => void): () => void {
  if (listeners.size === 0) process.on('SIGINT', hear);
  listeners.add(onStop);
  return () => {
    listeners.delete(onStop);
    if (listeners.size > 0) return;
    process.off('SIGINT', hear);
    if (!endCell) firstStop = Infinity;
  };
}

// There is one kernel, or one terminal, in a process: all of this is the module's.

const listeners = new Set<() => void>();
/** How to give up on each body that runs. */
const bodies = new Set<(reason: Error) => void>();
/** When Stop was first pressed in this cell. */
let firstStop = Infinity;
/** Ends the current cell with an error; undefined while none runs. */
let endCell: ((reason: Error) => void) | undefined;
let isKernel = false;

/** Who else listened before the first body, outside a kernel; they are back when the last body is gone. */
let hidden: NodeJS.SignalsListener[] = [];

function hideOthers(): void {
  if (isKernel) return;
  hidden = process.listeners('SIGINT').filter((listener) => listener !== hear);
  for (const listener of hidden) process.off('SIGINT', listener);
}

function showOthers(): void {
  for (const listener of hidden.splice(0)) process.on('SIGINT', listener);
}

/** In a kernel there is one listener for SIGINT, always: tslab's, which calls `pressStop`. */
const hear = () => {
  if (!isKernel) pressStop();
};

export function pressStop(): void {
  const now = performance.now();
  firstStop = Math.min(firstStop, now);
  for (const listener of [...listeners]) listener();
  const isAsked = bodies.size > 0 || (!endCell && listeners.size > 0);
  if (isAsked && now < firstStop + ONE_PRESS) return;
  if (!isKernel && bodies.size > 0 && hidden.length === 0) process.exit(130);
  const reason = stopError(
    bodies.size > 0 ? 'Stopped twice: this cell has no result. What its charts show is what was done.' : undefined,
  );
  for (const giveUp of [...bodies]) giveUp(reason);
  if (!isKernel) return;
  Atomics.add(shared, STOPS, 1);
  endCell?.(reason);
  interrupt(reason);
}

/** What code that was stopped throws. It is printed without its stack, which is of no interest. */
export function stopError(message = 'Stopped: this cell has no result.'): Error {
  return Object.assign(new Error(message), { name: 'Stopped', [inspect.custom]: () => message });
}

export const isStopError = (error: unknown): boolean => error instanceof Error && error.name === 'Stopped';

/** The part of a kernel: a cell begins, and `end` ends it with an error. */
export function beginCell(end: (reason: Error) => void): void {
  isKernel = true;
  firstStop = Infinity;
  endCell = end;
  Atomics.add(shared, CELL, 1);
}

export function leaveCell(): void {
  endCell = undefined;
}

/**
 * Numbers that the watchdog's thread reads and writes, too.
 * - STOPS: how often what ran was stopped for good; code of a cell that began at another number ends.
 * - TURNS: how often the event loop has answered the watchdog.
 * - CELL: how many cells have begun.
 * - PATIENT: how many bodies there are that a first Stop only asks to end.
 * - TRANSLATING: whether TypeScript is at work, which does not survive being terminated.
 */
export const [STOPS, TURNS, CELL, PATIENT, TRANSLATING] = [0, 1, 2, 3, 4];
export const shared = new Int32Array(new SharedArrayBuffer(5 * Int32Array.BYTES_PER_ELEMENT));
