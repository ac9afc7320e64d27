// Showing things in the output of a cell.
import { randomUUID } from 'node:crypto';
import { toMimeBundle, MimeBundle, Displayable } from './mimeBundle';

/** Something in a cell's output that can be replaced. */
export interface LiveDisplay {
  /**
   * Shows `value` in the same place, soon: of several updates in quick succession only the last is drawn. If making it throws,
   * the error comes from this call, from the next one, or from `flush`.
   */
  update(value: Displayable | (() => Displayable)): void;
  /** Draws a pending update now. */
  flush(): void;
}

/** Shows a chart, a picture, a table, HTML or text under the cell; outside a notebook, its text is printed. */
export function show(value: Displayable): void {
  const send = currentCell();
  if (send) send(toMimeBundle(value), {}, false);
  else console.log(toMimeBundle(value).data['text/plain']);
}

/**
 * Shows `value` and returns a handle to show something else in its place. It stays with this cell when later ones run.
 * Outside a notebook the first value is printed as text, and then whatever is flushed.
 * @param options.interval ms between two drawings, at least; default 300
 */
export function live(value: Displayable, { interval = 300 }: { interval?: number } = {}): LiveDisplay {
  const send = currentCell();
  const transient = { display_id: randomUUID() };
  /** The id is saved with the notebook, so that a reloaded page finds the display. */
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
    pending = undefined; // first: making it may throw
    const next = typeof value === 'function' ? value() : value;
    if (send) send(withId(next), transient, true);
    else console.log(toMimeBundle(next).data['text/plain']);
    drawnAt = performance.now();
  };
  /** Nobody can catch what a timer throws: the next call throws it. */
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
      // A busy loop never lets the timer run: then an update draws.
      const wait = drawnAt + interval - performance.now();
      if (wait <= 0 || failure) flush();
      else timer ??= setTimeout(flushLater, wait);
    },
  };
}

type Send = (bundle: MimeBundle, transient: { display_id?: string }, isUpdate: boolean) => void;

/** Sends to the output of the current cell; undefined outside a notebook. */
function currentCell(): Send | undefined {
  // tslab's own `display` sends a single media type, and loading tslab outside of a kernel would cost a second.
  const module = require.cache[require.resolve('tslab/dist/jupyter')];
  const write = (module?.exports as { lastWriteDisplayData?: WriteDisplayData | null } | undefined)
    ?.lastWriteDisplayData;
  if (!write) return undefined;
  return (bundle, transient, isUpdate) => write({ ...bundle, transient }, isUpdate);
}

type WriteDisplayData = (content: MimeBundle & { transient: { display_id?: string } }, isUpdate: boolean) => void;
