// Downloads a file whose sha256 is known: from whatever mirror, in however many pieces, the sha256 decides.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';

export interface Progress {
  /** Bytes that have arrived, those of earlier tries included. */
  readonly received: number;
  readonly total: number;
}

export interface DownloadOptions {
  /** Mirrors, tried in turn. */
  readonly urls: readonly string[];
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Path of the file; until it is complete and checked, it is called `${to}.part`. */
  readonly to: string;
  /** Seconds without a byte after which a connection counts as lost. Default: 30. */
  readonly stallSeconds?: number;
  /** Seconds before the first new try; each further one waits twice as long. Default: 1. */
  readonly retrySeconds?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly onMessage?: (line: string) => void;
  /** Ends the download; what has arrived is kept. */
  readonly signal?: AbortSignal;
}

/** No mirror gave the file. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  constructor(
    readonly failures: readonly string[],
    /** Bytes that are kept for the next try. */
    readonly kept: number,
  ) {
    super(failures.join('\n'));
  }
}

/** Another mirror may have the file. */
class Unavailable extends Error {}
/** Another try may succeed. */
class ConnectionLost extends Unavailable {}

const FIRST_TRIES = 3; // before anything has arrived from a mirror
const LATER_TRIES = 7; // once it has been seen to work: about a minute without a network

/**
 * Downloads a file. What has arrived is kept when anything interrupts it, and the next call goes on from there, also in
 * another process; only one may work on the same `to` at a time.
 * @throws DownloadError when no mirror gave the file, the system's error when it could not be written
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
        for (let hadSome = true; hadSome;) {
          hadSome = (await sizeOf(part)) > 0;
          await receive(url, part, dispatcher, options);
          if (await hasSha256(part, sha256)) return await rename(part, to);
          await rm(part); // bytes of an earlier try are not this mirror's fault: it gets a second chance
        }
        throw new Unavailable(`its ${bytes(size)} are not the right ones: their sha256 differs`);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        failures.push(`${url}: ${error.message}`);
        if (failures.length < urls.length) onMessage(`${url}: ${error.message}. Trying the next place.`);
      }
    }
  } finally {
    await dispatcher.destroy();
  }
  throw new DownloadError(failures, await sizeOf(part));
}

/** Goes on trying until the part is complete. */
async function receive(url: string, part: string, dispatcher: Dispatcher, options: DownloadOptions): Promise<void> {
  const start = await sizeOf(part);
  let most = start;
  for (let failed = 0; (await sizeOf(part)) < options.size;) {
    try {
      await append(url, part, dispatcher, options);
    } catch (error) {
      const arrived = await sizeOf(part);
      failed = arrived > most ? 1 : failed + 1; // a server that starts over makes no headway before it gets beyond
      most = Math.max(most, arrived);
      if (!(error instanceof ConnectionLost) || failed >= (most > start ? LATER_TRIES : FIRST_TRIES)) throw error;
      await sleep((options.retrySeconds ?? 1) * 1000 * 2 ** (failed - 1), undefined, { signal: options.signal });
    }
  }
}

/** One request: what it sends is appended to the part, or replaces it where the server starts over. */
async function append(url: string, part: string, dispatcher: Dispatcher, options: DownloadOptions): Promise<void> {
  const { size, onProgress = () => {} } = options;
  const file = await open(part, 'a');
  try {
    let received = (await file.stat()).size;
    for await (const piece of pieces(url, received, dispatcher, options)) {
      if (piece === 'from the start') await file.truncate((received = 0));
      else {
        await file.appendFile(piece);
        onProgress({ received: (received += piece.length), total: size });
      }
    }
    if (received < size) throw new ConnectionLost(`the connection ended after ${bytes(received)} of ${bytes(size)}`);
    await file.sync();
  } finally {
    await file.close();
    if ((await sizeOf(part)) === 0) await rm(part, { force: true });
  }
}

/** The bytes of a file from a place on, as they arrive. Errors are the network's. */
async function* pieces(
  url: string,
  from: number,
  dispatcher: Dispatcher,
  { size, stallSeconds = 30, signal }: DownloadOptions,
): AsyncGenerator<Uint8Array | 'from the start', void, undefined> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), stallSeconds * 1000);
  try {
    const { request } = await import('undici');
    const { statusCode, headers, body } = await request(url, {
      dispatcher,
      headers: { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) },
      signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]),
      bodyTimeout: 0,
      headersTimeout: 0, // one clock for all of it: `timer`
    });
    body.on('error', () => {}); // an abort before the body is read must not end the process
    const isBusy = statusCode >= 500 || statusCode === 408 || statusCode === 429;
    if (statusCode !== 200 && statusCode !== 206) {
      throw new (isBusy ? ConnectionLost : Unavailable)(`HTTP ${statusCode}`);
    }
    const begin = statusCode === 206 ? from : 0;
    const isOtherPart = statusCode === 206 && !String(headers['content-range']).startsWith(`bytes ${from}-`);
    if (isOtherPart) throw new Unavailable('it sends another part than the one asked for');
    const total = begin + Number(headers['content-length'] ?? size - begin);
    if (total !== size) throw new Unavailable(`it has another file, of ${bytes(total)} instead of ${bytes(size)}`);
    if (begin < from) yield 'from the start';
    let left = size - begin;
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      timer.refresh();
      if ((left -= piece.length) < 0) throw new Unavailable(`it sends more than the ${bytes(size)} that the file has`);
      yield piece;
    }
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    signal?.throwIfAborted();
    throw new ConnectionLost(stalled.signal.aborted ? `not a byte for ${stallSeconds} s` : networkReason(error));
  } finally {
    clearTimeout(timer);
    stalled.abort(); // lets go of a connection that is not read to its end
  }
}

/** Follows redirects, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY. undici is loaded here: data that is there needs no network. */
async function connect(): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent, interceptors } = await import('undici');
  const [httpProxy, httpsProxy] = [proxyIn('HTTP_PROXY'), proxyIn('HTTPS_PROXY')];
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => {}; // undici calls its proxy agent experimental, which would be the first thing a user sees
  const agent = httpProxy || httpsProxy ? new EnvHttpProxyAgent({ httpProxy, httpsProxy }) : new Agent();
  process.emitWarning = emitWarning;
  return agent.compose(interceptors.redirect({ maxRedirections: 10 }));
}

/** As curl reads it: what has no scheme is reached by HTTP. */
function proxyIn(variable: string): string | undefined {
  const text = process.env[variable.toLowerCase()] || process.env[variable];
  const address = text && (text.includes('://') ? text : `http://${text}`);
  if (!address || (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol))) return address;
  throw new Error(`${variable} is ${text}; expected the address of an HTTP proxy, such as http://proxy.example:8080.`);
}

function networkReason(error: unknown): string {
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `no such server, or no network (${code})`;
  if (code === 'ECONNREFUSED') return 'the server does not take connections (ECONNREFUSED)';
  if (cause) return networkReason(cause);
  return message && code ? `${message} (${code})` : message || code || String(error);
}

/** Whether the file exists and has this sha256. */
export async function hasSha256(file: string, sha256: string): Promise<boolean> {
  if ((await sizeOf(file)) === 0) return false;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  return hash.digest('hex') === sha256;
}

const sizeOf = async (file: string): Promise<number> => (await stat(file).catch(() => undefined))?.size ?? 0;

/** "12.3 MB": millions of bytes, as disks and downloads count. */
export const bytes = (n: number): string =>
  n < 1e6 ? `${n.toLocaleString('en-US')} bytes` : `${(n / 1e6).toFixed(1)} MB`;
