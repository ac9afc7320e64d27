import { promisify } from 'node:util';
import { instrument } from './instrument';
import { beginCell, leaveCell, shared, stopError, STOPS } from './interruptible';

/**
 * Runs the code of a cell, which Stop ends.
 * @param code JavaScript as tslab makes it: a call of an async function
 * @param compile gives the value of JavaScript
 * @returns a promise that is rejected when the code throws, and when the cell is stopped
 */
export async function runCell(code: string, compile: (code: string) => unknown): Promise<unknown> {
  const run = compile(`(function (${Object.keys(environment).join(', ')}) { return ${instrument(code)} })`) as (
    ...values: unknown[]
  ) => Promise<unknown>;
  try {
    return await new Promise((resolve, reject) => {
      beginCell(reject);
      const started = shared[STOPS];
      const start = () => {
        if (started === shared[STOPS]) run(...Object.values(environment)).then(resolve, reject);
      };
      // In a turn of its own: should the code be terminated, nothing of tslab is.
      setTimeout(() => queueMicrotask(start));
    });
  } finally {
    leaveCell();
  }
}

/** What the code of cells finds in place of Node's own, and what `instrument` adds to it. */
const environment = {
  __stops: shared,
  __check(started: number, value: unknown) {
    if (started !== shared[STOPS]) throw stopError();
    return value;
  },
  setTimeout: stoppable(setTimeout, clearTimeout),
  setInterval: stoppable(setInterval, clearInterval),
  setImmediate: stoppable(setImmediate, clearImmediate),
};

type Callback = (...values: unknown[]) => void;
type Schedule = (callback: Callback, ...rest: unknown[]) => unknown;

/** A timer that does nothing any more once what has set it was stopped. */
function stoppable(schedule: unknown, clear: unknown): Schedule {
  const guarded: Schedule = (callback, ...rest) => {
    const started = shared[STOPS];
    const timer = (schedule as Schedule)(
      (...values: unknown[]) => {
        if (started !== shared[STOPS]) return (clear as Callback)(timer);
        // Not in the timer's own turn: Node does not survive it when that is terminated.
        queueMicrotask(() => callback(...values));
      },
      ...rest,
    );
    return timer;
  };
  const asPromise = (schedule as { [promisify.custom]?: unknown })[promisify.custom];
  return Object.assign(guarded, asPromise && { [promisify.custom]: asPromise });
}
