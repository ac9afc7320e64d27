// How Stop in a notebook reaches what runs for a cell, without that having to know of notebooks.

let controller = new AbortController();

/** Aborted when what runs now is stopped; never outside a notebook. Ask for it at the start of the work. */
export const interruptSignal = (): AbortSignal => controller.signal;

/** Stops everything that has asked for a signal; what begins later gets a new one. */
export function interrupt(reason: Error): void {
  const stopped = controller;
  controller = new AbortController();
  stopped.abort(reason);
}

/**
 * Yields `records` until the cell that reads them is stopped: they are then ended, as by `break`, whether or not anybody reads
 * on, and reading on throws.
 */
export async function* untilInterrupted<Item>(
  records: AsyncGenerator<Item, void, undefined>,
): AsyncGenerator<Item, void, undefined> {
  const signal = interruptSignal();
  const end = () => void records.return();
  signal.addEventListener('abort', end);
  try {
    yield* records;
  } finally {
    signal.removeEventListener('abort', end);
  }
  signal.throwIfAborted();
}
