import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';

export interface Progress {
  /** Bytes that have arrived, those of earlier tries included. */
  readonly received: number;
  readonly total: number;
  /** Over the last seconds; 0 before anything has arrived. */
  readonly bytesPerSecond: number;
  /** Infinity while nothing arrives. */
  readonly secondsLeft: number;
}

export interface DownloadOptions {
  /** Where the file is to be had: tried in turn. */
  readonly urls: readonly string[];
  /** Its size in bytes, which is known. */
  readonly size: number;
  /** Its sha256 in hexadecimal: nothing else is accepted. */
  readonly sha256: string;
  /** Where it shall stand; until it is complete and checked, it is called `${to}.part`. */
  readonly to: string;
  /** Seconds without a single byte after which a connection counts as lost: 30 if left out. */
  readonly stallSeconds?: number;
  /** Seconds before the first new try; each further one waits twice as long: 1 if left out. */
  readonly retrySeconds?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (line: string) => void;
  /** Ends the download; what has arrived is kept. */
  readonly signal?: AbortSignal;
}

/**
 * Downloads a file whose size and sha256 are known. What has arrived is kept when anything interrupts it, and the next
 * call goes on from there, also in another process; only one may work on the same `to` at a time.
 *
 * @throws a DownloadError when no mirror gave the file, a DiskError when it could not be written.
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { urls, size, sha256, to, onMessage = () => {} } = options;
  if (await hasSha256(to, sha256)) return;
  const part = `${to}.part`;
  const dispatcher = await connect();
  const failures: string[] = [];
  try {
    for (const url of urls) {
      try {
        let resumed = (await sizeOf(part)) > 0;
        for (;;) {
          await receive(url, part, dispatcher, options);
          if (await hasSha256(part, sha256)) {
            await onDisk(() => rename(part, to));
            await rm(`${part}.json`, { force: true });
            return;
          }
          await rm(part);
          // Bytes of an earlier try, or of another mirror, are not this one's fault.
          if (!resumed) throw new UnfitMirror(`its ${bytes(size)} are not the right ones: their sha256 differs`);
          resumed = false;
        }
      } catch (error) {
        if (!(error instanceof UnfitMirror || error instanceof LostConnection)) throw error;
        failures.push(`${url}: ${error.message}`);
        if (failures.length < urls.length) onMessage(`${url}: ${error.message}. Trying the next place.`);
      }
    }
  } finally {
    await dispatcher.destroy();
  }
  throw new DownloadError(failures, await sizeOf(part));
}

/** No mirror gave the file. */
export class DownloadError extends Error {
  constructor(
    readonly failures: readonly string[],
    /** Bytes that are kept for the next try. */
    readonly kept: number,
  ) {
    super(failures.join('\n'));
    this.name = 'DownloadError';
  }
}

/** The disk is full, or cannot be written. */
export class DiskError extends Error {
  constructor(
    readonly code: string | undefined,
    message: string,
  ) {
    super(message);
    this.name = 'DiskError';
  }
}

/** Runs what writes to the disk, so that its errors can be told from those of the network. */
export async function onDisk<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new DiskError(code, message);
  }
}

/** Whether the file exists and has this sha256. */
export async function hasSha256(file: string, sha256: string): Promise<boolean> {
  if ((await sizeOf(file)) === 0) return false;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  return hash.digest('hex') === sha256;
}

/** "12.3 MB": millions of bytes, as disks and downloads count. */
export function bytes(n: number): string {
  return n < 1e6 ? `${n.toLocaleString('en-US')} bytes` : `${(n / 1e6).toFixed(1)} MB`;
}

/** This place does not have the file: another try there is in vain. */
class UnfitMirror extends Error {}
/** Another try may succeed. */
class LostConnection extends Error {}

const FIRST_TRIES = 3; // before anything has arrived from this place
const LATER_TRIES = 7; // once it has been seen to work: about a minute without a network

/** Goes on trying until the part is complete. */
async function receive(url: string, part: string, dispatcher: Dispatcher, options: DownloadOptions): Promise<void> {
  const { size, retrySeconds = 1, signal } = options;
  const start = await sizeOf(part);
  const speed = speedometer(start, size, options.onProgress);
  let most = start;
  for (let failed = 0; (await sizeOf(part)) !== size; ) {
    try {
      await request(url, part, dispatcher, options, speed);
    } catch (error) {
      if (!(error instanceof LostConnection)) throw error;
      const arrived = await sizeOf(part);
      // A server that starts over each time makes no headway until it gets beyond where it was.
      failed = arrived > most ? 1 : failed + 1;
      most = Math.max(most, arrived);
      if (failed >= (most > start ? LATER_TRIES : FIRST_TRIES)) throw error;
      await sleep(retrySeconds * 1000 * 2 ** (failed - 1), undefined, { signal });
    }
  }
}

/** One request: what it sends is added to the part, or replaces it where the server starts over. */
async function request(
  url: string,
  part: string,
  dispatcher: Dispatcher,
  { size, stallSeconds = 30, signal }: DownloadOptions,
  onSize: (received: number) => void,
): Promise<void> {
  const have = await sizeOf(part);
  if (have > size) await rm(part);
  const from = have > size ? 0 : have;
  const ending = new AbortController();
  const end = () => ending.abort();
  let stalled = false;
  const timer = setTimeout(() => {
    stalled = true;
    end();
  }, stallSeconds * 1000);
  let file: FileHandle | undefined;
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', end);
    const { statusCode, headers, body } = await dispatcherRequest(url, {
      dispatcher,
      headers: { ...(from > 0 ? await rangeHeaders(url, from, part) : {}), 'accept-encoding': 'identity' },
      signal: ending.signal,
      bodyTimeout: 0,
      headersTimeout: 0, // one clock for all of it: `timer`
    });
    body.on('error', () => {}); // an abort before the body is read must not end the process
    checkStatus(statusCode, headers, from, size);
    if (statusCode === 416) {
      await rm(part);
      throw new LostConnection('the server does not continue what was begun');
    }
    let position = statusCode === 206 ? from : 0;
    if (position === 0) await onDisk(() => begin(part, url, headers));
    file = await onDisk(() => open(part, 'r+'));
    onSize(position);
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      timer.refresh();
      if (position + chunk.length > size) {
        await rm(part);
        throw new UnfitMirror(`it sends more than the ${bytes(size)} that the file has`);
      }
      await write(file, chunk, position);
      position += chunk.length;
      onSize(position);
    }
    if (position < size) throw new LostConnection(`the connection ended after ${bytes(position)} of ${bytes(size)}`);
    const complete = file;
    await onDisk(() => complete.sync());
  } catch (error) {
    if (error instanceof UnfitMirror || error instanceof LostConnection || error instanceof DiskError) throw error;
    signal?.throwIfAborted();
    if (stalled) throw new LostConnection(`not a byte for ${stallSeconds} s`);
    throw new LostConnection(networkReason(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    end(); // lets go of a connection that is not read to its end
    await file?.close();
  }
}

type ResponseHeaders = Dispatcher.ResponseData['headers'];

/** @throws when the answer cannot be used. */
function checkStatus(status: number, headers: ResponseHeaders, from: number, size: number): void {
  const ofAnotherSize = (length: string) =>
    new UnfitMirror(`it has another file, of ${bytes(Number(length))} instead of ${bytes(size)}`);
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header(headers, 'content-range') ?? '');
  const total = range?.[2];
  if ((status === 206 || status === 416) && total && total !== '*' && Number(total) !== size)
    throw ofAnotherSize(total);
  if (status === 206) {
    if (Number(range?.[1]) !== from) throw new UnfitMirror('it sends another part than the one asked for');
    return;
  }
  if (status === 416 && from > 0) return;
  if (status === 200) {
    const length = header(headers, 'content-length');
    if (length !== undefined && Number(length) !== size) throw ofAnotherSize(length);
    if (header(headers, 'content-type')?.startsWith('text/html')) {
      throw new UnfitMirror('it sends a web page in place of the file: perhaps this network wants a login first');
    }
    return;
  }
  if (status >= 500 || status === 408 || status === 429) throw new LostConnection(`HTTP ${status}`);
  throw new UnfitMirror(`HTTP ${status}`);
}

/** An empty part, and beside it what the server calls this version of the file. */
async function begin(part: string, url: string, headers: ResponseHeaders): Promise<void> {
  const validator = header(headers, 'etag') ?? header(headers, 'last-modified');
  await writeFile(`${part}.json`, JSON.stringify({ url, validator }));
  await writeFile(part, '');
}

/** Asks for the rest; from the server where it was begun, only if its file is still the same (else for all of it). */
async function rangeHeaders(url: string, from: number, part: string): Promise<Record<string, string>> {
  const range = { range: `bytes=${from}-` };
  try {
    const begun = JSON.parse(await readFile(`${part}.json`, 'utf8')) as { url?: string; validator?: string };
    // A weak ETag (W/…) does not promise the same bytes, and If-Range does not take it.
    if (begun.url === url && begun.validator && !begun.validator.startsWith('W/'))
      return { ...range, 'if-range': begun.validator };
  } catch {
    // no such note, or half of one: sha256 decides in the end
  }
  return range;
}

function header(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

async function write(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await onDisk(() => file.write(chunk, done, chunk.length - done, position + done));
    done += bytesWritten;
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/** undici is loaded where it is needed: data that is there already needs no network. */
const dispatcherRequest: typeof import('undici').request = async (...args) => (await import('undici')).request(...args);

/**
 * Follows redirects, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
 * @throws Error when one of them is no address of a proxy
 */
async function connect(): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent, interceptors } = await import('undici');
  const httpProxy = proxyIn('http_proxy') ?? proxyIn('HTTP_PROXY');
  const httpsProxy = proxyIn('https_proxy') ?? proxyIn('HTTPS_PROXY');
  const agent =
    httpProxy || httpsProxy ? withoutWarnings(() => new EnvHttpProxyAgent({ httpProxy, httpsProxy })) : new Agent();
  return agent.compose(interceptors.redirect({ maxRedirections: 10 }));
}

/** As curl reads it: what has no scheme is reached by HTTP. */
function proxyIn(variable: string): string | undefined {
  const text = process.env[variable];
  if (!text) return undefined;
  const address = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address;
  throw new Error(`${variable} is ${text}; expected the address of an HTTP proxy, such as http://proxy.example:8080.`);
}

/** undici calls its proxy agent experimental in a warning, which would be the first thing a user sees. */
function withoutWarnings<T>(make: () => T): T {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => {};
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function networkReason(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `no such server, or no network (${code})`;
  if (code === 'ECONNREFUSED') return 'the server does not take connections (ECONNREFUSED)';
  if (cause) return networkReason(cause);
  return message && code ? `${message} (${code})` : message || code || String(error);
}

/** Reports at most ten times a second, and when all has arrived; the speed is that of the last five seconds. */
function speedometer(start: number, total: number, report: DownloadOptions['onProgress']): (received: number) => void {
  const marks: { time: number; received: number }[] = [{ time: performance.now(), received: start }];
  let reported = -Infinity;
  return (received) => {
    const now = performance.now();
    const last = marks[marks.length - 1];
    if (received < last.received) marks.splice(0, marks.length, { time: now, received }); // the server starts over
    else if (now - last.time > 250) marks.push({ time: now, received });
    while (marks.length > 2 && now - marks[0].time > 5000) marks.shift();
    if (!report || (now - reported < 100 && received < total)) return;
    reported = now;
    const { time, received: before } = marks[0];
    const bytesPerSecond = now > time ? ((received - before) / (now - time)) * 1000 : 0;
    report({ received, total, bytesPerSecond, secondsLeft: (total - received) / bytesPerSecond || 0 });
  };
}
