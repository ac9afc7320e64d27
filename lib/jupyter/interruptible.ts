/**
 * Runs `body` so that Stop (SIGINT: the button in JupyterLab, Ctrl+C in a terminal) asks it to end instead of tearing it
 * down: the signal is aborted, `body` finishes what it does and returns what it has. Stop again changes nothing in a
 * notebook, where impatience must not cost the result; in a terminal it ends the process.
 */
export async function interruptible<T>(body: (stop: AbortSignal) => Promise<T>): Promise<T> {
  // Leaves the synchronous part of the cell first: there tslab hides the listeners and puts them back later, and a
  // listener added in between makes Stop kill the kernel.
  await new Promise((resolve) => setImmediate(resolve));
  const controller = new AbortController();
  const others = process.listeners('SIGINT');
  const onStop = () => {
    if (controller.signal.aborted && others.length === 0) process.exit(130);
    controller.abort();
  };
  // Ours comes before theirs go: without any listener Stop would end the process.
  process.on('SIGINT', onStop);
  for (const listener of others) process.off('SIGINT', listener);
  try {
    return await body(controller.signal);
  } finally {
    for (const listener of others) process.on('SIGINT', listener);
    process.off('SIGINT', onStop);
  }
}
