// How something reaches the output of a cell.
import { randomUUID } from 'node:crypto';
import { toMimeBundle, MimeBundle, Displayable } from './mimeBundle';

/** Something in a cell's output that can be drawn anew. */
export interface LiveDisplay {
  /**
   * Shows `value` in the same place, soon: of several updates in quick succession only the last is made and drawn. What it
   * throws when it is made, this call throws, or the next one, or `flush`.
   */
  update(value: Displayable | (() => Displayable)): void;
  /** Draws at once what was not drawn yet. */
  flush(): void;
}

/** Shows a chart, a picture, a table, HTML or text under the cell; outside a notebook, as text. */
export function show(value: Displayable): void {
  const send = currentCell();
  if (send) send(toMimeBundle(value), {}, false);
  else console.log(toMimeBundle(value).data['text/plain']);
}

/**
 * Shows `value` and gives a handle to show something else in its place. It stays with this cell, whichever runs later.
 * Outside a notebook the first value is shown as text, then what is flushed.
 * @param options.interval ms between two drawings, at least
 */
export function live(value: Displayable, { interval = 300 }: { interval?: number } = {}): LiveDisplay {
  const send = currentCell();
  const transient = { display_id: randomUUID() };
  /** Saved with the notebook, so that a page that is loaded anew finds the display. */
  const withId = (value: Displayable): MimeBundle => {
    const { data, metadata } = toMimeBundle(value);
    return { data, metadata: { ...metadata, ...transient } };
  };
  let pending: Displayable | (() => Displayable) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failure: { readonly error: unknown } | undefined;
  let drawnAt = performance.now();
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (failure) {
      const { error } = failure;
      failure = undefined;
      throw error;
    }
    if (pending === undefined) return;
    const value = pending;
    pending = undefined; // before it is made: that may throw
    const next = typeof value === 'function' ? value() : value;
    if (send) send(withId(next), transient, true);
    else console.log(toMimeBundle(next).data['text/plain']);
    drawnAt = performance.now();
  };
  /** An error of a timer has nobody to catch it: it waits for the next call. */
  const flushLater = () => {
    try {
      flush();
    } catch (error) {
      failure = { error };
    }
  };
  if (send) send(withId(value), transient, false);
  else console.log(toMimeBundle(value).data['text/plain']);
  return {
    flush,
    update(next) {
      pending = next;
      if (!send) return;
      // A busy loop gives a timer no turn: then it is an update that draws.
      const wait = drawnAt + interval - performance.now();
      if (wait <= 0 || failure) flush();
      else timer ??= setTimeout(flushLater, wait);
    },
  };
}

type Send = (representation: MimeBundle, transient: { display_id?: string }, isUpdate: boolean) => void;

/** Sends to the output of the cell that runs now; undefined outside a notebook. */
function currentCell(): Send | undefined {
  // tslab's `display` sends one representation only, and outside a kernel loading tslab would cost a second.
  const module = require.cache[require.resolve('tslab/dist/jupyter')];
  const write = (module?.exports as { lastWriteDisplayData?: WriteDisplayData | null } | undefined)
    ?.lastWriteDisplayData;
  if (!write) return undefined;
  return (representation, transient, isUpdate) => write({ ...representation, transient }, isUpdate);
}

type WriteDisplayData = (content: MimeBundle & { transient: { display_id?: string } }, isUpdate: boolean) => void;
