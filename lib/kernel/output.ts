export type WriteStream = (name: string, text: string) => void;

/** Most characters of a cell's output; a page that got more would freeze, and Jupyter would drop what comes after them. */
const MAX_TEXT = 2_000_000;
/** Of what is more, so many characters are kept of its end: an error may be among them. */
const MAX_END = 20_000;
/** ms until text is sent, at most, also in a loop that leaves the event loop no turn. */
const MAX_WAIT = 100;

/** What a cell prints, in few messages, and not more than a page can take. */
export interface Output {
  readonly write: WriteStream;
  /** Sends what waits. */
  flush(): void;
  /** Sends the end of what was left out, too. */
  end(): void;
}

/** tslab sends each printed line as a message of its own, and a page takes about 1,000 a second. */
export function limitOutput(send: WriteStream): Output {
  const joined = joinWrites(send);
  let sent = 0;
  let omitted: { readonly name: string; readonly text: string }[] = [];
  let length = 0;
  return {
    write(name, text) {
      const room = Math.max(0, MAX_TEXT - sent);
      sent += text.length;
      if (room > 0) joined.write(name, text.slice(0, room));
      const rest = text.slice(room);
      if (!rest) return;
      if (length === 0)
        joined.write(name, `\n… ${MAX_TEXT.toLocaleString('en')} characters; of the rest only the end is shown …\n`);
      omitted.push({ name, text: rest.slice(-MAX_END) });
      length += rest.length;
      if (omitted.length > 1000) omitted = lastOf(omitted);
    },
    flush: () => joined.flush(),
    end() {
      const end = lastOf(omitted);
      const count = length - end.reduce((sum, { text }) => sum + text.length, 0);
      if (count > 0) joined.write(end[0].name, `… ${count.toLocaleString('en')} characters omitted …\n`);
      for (const { name, text } of end) joined.write(name, text);
      [sent, omitted, length] = [0, [], 0];
      joined.flush();
    },
  };
}

/** The last MAX_END characters. */
function lastOf(chunks: readonly { readonly name: string; readonly text: string }[]) {
  const kept: (typeof chunks)[number][] = [];
  let room = MAX_END;
  for (let i = chunks.length - 1; i >= 0 && room > 0; i--) {
    const { name, text } = chunks[i];
    kept.unshift({ name, text: text.slice(-room) });
    room -= text.length;
  }
  return kept;
}

/** Makes one message of what is written to a stream in one turn of the event loop, or in MAX_WAIT. */
function joinWrites(send: WriteStream): { write: WriteStream; flush: () => void } {
  let [stream, waiting] = ['', ''];
  let timer: NodeJS.Immediate | undefined;
  let sentAt = performance.now();
  const flush = () => {
    clearImmediate(timer);
    timer = undefined;
    const text = waiting;
    waiting = '';
    if (text) send(stream, text);
    sentAt = performance.now();
  };
  const write: WriteStream = (name, text) => {
    if (name !== stream) flush();
    stream = name;
    waiting += text;
    // A loop that blocks the event loop shows its progress, too.
    if (performance.now() - sentAt > MAX_WAIT) flush();
    else timer ??= setImmediate(flush);
  };
  return { write, flush };
}
