import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds in which several presses of Stop are one. */
const ONE_PRESS = 1000;

/**
 * Runs `body` so that Stop (SIGINT: the button in JupyterLab, Ctrl+C in a terminal) asks it to end instead of tearing it
 * down: the signal is aborted, `body` finishes what it does and returns what it has. Stop again, a second or more later, is
 * for a body that does not come to an end: the cell ends with an error; in a terminal the process ends.
 * @throws Error when it was stopped twice
 */
export async function interruptible<T>(body: (stop: AbortSignal) => Promise<T>): Promise<T> {
  // Leaves the synchronous part of the cell first: there tslab hides the listeners and puts them back later, and a
  // listener added in between makes Stop kill the kernel.
  await nextTurn();
  const controller = new AbortController();
  let stoppedAt = Infinity;
  let giveUp: (reason: Error) => void;
  const givenUp = new Promise<never>((_, reject) => (giveUp = reject));
  const onStop = () => {
    stoppedAt = Math.min(stoppedAt, performance.now());
    controller.abort();
    if (performance.now() < stoppedAt + ONE_PRESS) return;
    if (hidden.length === 0) process.exit(130);
    giveUp(new Error('Stopped twice: this cell has no result. What its charts show is what was done.'));
  };
  const leave = takeOver(onStop);
  try {
    return await Promise.race([body(controller.signal), givenUp]);
  } finally {
    leave();
  }
}

// Several may run at once, bodies of a cell and trainings behind it: Stop is for all of them.
const listeners = new Set<() => void>();
const stopAll = () => {
  for (const listener of [...listeners]) listener();
};

/**
 * Calls `onStop` at each SIGINT, beside whoever else listens and while bodies run, too, until the function that it returns
 * is called. Not in the synchronous part of a cell: see `interruptible`.
 */
export function listen(onStop: () => void): () => void {
  if (listeners.size === 0) process.on('SIGINT', stopAll);
  listeners.add(onStop);
  return () => {
    listeners.delete(onStop);
    if (listeners.size === 0) process.off('SIGINT', stopAll);
  };
}

let bodies = 0;
/** Whoever else listened before the first body; they are back when the last is gone. */
let hidden: NodeJS.SignalsListener[] = [];

/** As `listen`, but nobody else is called meanwhile. */
function takeOver(onStop: () => void): () => void {
  // Ours comes before theirs go: without any listener Stop would end the process.
  const leave = listen(onStop);
  if (bodies++ === 0) {
    hidden = process.listeners('SIGINT').filter((listener) => listener !== stopAll);
    for (const listener of hidden) process.off('SIGINT', listener);
  }
  return () => {
    if (--bodies === 0) for (const listener of hidden) process.on('SIGINT', listener);
    leave();
  };
}
