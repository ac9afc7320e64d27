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
  const leave = listen(onStop);
  try {
    return await Promise.race([body(controller.signal), givenUp]);
  } finally {
    leave();
  }
}

// A cell may run several bodies at once: Stop is for all of them.
const listeners = new Set<() => void>();
const stopAll = () => {
  for (const listener of [...listeners]) listener();
};
/** Whoever listened before the first of ours; they are back when the last is gone. */
let hidden: NodeJS.SignalsListener[] = [];

/** Calls `onStop` at each SIGINT, and nobody else, until the function that it returns is called. */
function listen(onStop: () => void): () => void {
  if (listeners.size === 0) {
    hidden = process.listeners('SIGINT');
    // Ours comes before theirs go: without any listener Stop would end the process.
    process.on('SIGINT', stopAll);
    for (const listener of hidden) process.off('SIGINT', listener);
  }
  listeners.add(onStop);
  return () => {
    listeners.delete(onStop);
    if (listeners.size > 0) return;
    for (const listener of hidden) process.on('SIGINT', listener);
    process.off('SIGINT', stopAll);
  };
}
