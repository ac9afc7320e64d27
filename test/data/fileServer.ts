// A web server that misbehaves on demand, and the archives that it serves.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { arrayBuffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { type Archive, TEST_FILE, TRAIN_FILES } from 'cifar10/data';
import type { Context as Cleanup } from '../project';

export { type Context as Cleanup, temporaryFolder } from '../project';

// The machine's own settings are no part of the tests.
for (const name of ['CIFAR10_URL', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
  delete process.env[name];
  delete process.env[name.toLowerCase()];
}

export interface Server {
  readonly url: string;
  /** One line a request: `PATH RANGE`. */
  readonly requests: string[];
  /** Bytes of bodies that were handed to the network. */
  sent: number;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, server: Server) => void | Promise<void>;

/** Listens until the test ends. */
export async function serve(t: Cleanup, handler: Handler): Promise<Server> {
  const server: Server = { url: '', requests: [], sent: 0 };
  const http = createServer((request, response) => {
    server.requests.push(`${request.url ?? ''} ${request.headers.range ?? 'all'}`);
    void handler(request, response, server);
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return Object.assign(server, { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
}

export interface FileOptions {
  /** Whether Range is honoured: true if left out. */
  readonly ranges?: boolean;
  /** The connection is cut after so many bytes of a body. */
  readonly cutAfter?: number;
  /** Nothing more comes after so many bytes of a body, but the connection stays open. */
  readonly stallAfter?: number;
  /** Milliseconds before each 20 kB. */
  readonly delay?: number;
}

/** Serves bytes as a decent server does, but for the faults that are asked for. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  server: Server,
  file: Uint8Array,
  { ranges = true, cutAfter = Infinity, stallAfter = Infinity, delay = 0 }: FileOptions = {},
): Promise<void> {
  const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const from = ranges && start !== undefined ? Number(start) : 0;
  if (from >= file.length) {
    response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end();
    return;
  }
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': file.length - from,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` } : {}),
  });
  const end = Math.min(file.length, from + cutAfter, from + stallAfter);
  for (let at = from; at < end; at += 20_000) {
    if (delay) await sleep(delay);
    if (response.destroyed) return;
    const piece = file.subarray(at, Math.min(at + 20_000, end));
    await new Promise<void>((done) => response.write(piece, () => done()));
    server.sent += piece.length;
  }
  if (end === file.length) response.end();
  else if (end === from + cutAfter) {
    await sleep(50); // what was sent shall arrive first
    response.destroy();
  }
}

export const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

export const noise = (size: number) => Uint8Array.from(randomBytes(size));

export const read = (path: string) => Uint8Array.from(readFileSync(path));

/** Six small files in CIFAR-10's layout. */
export const smallFiles = [...TRAIN_FILES, TEST_FILE].map((name) => ({ name, records: name === TEST_FILE ? 30 : 20 }));

/** Labels 0 to 9, pixels of noise. */
export function noiseRecords(records: number): Uint8Array {
  const data = noise(records * 3073);
  for (let i = 0; i < records; i++) data[i * 3073] = i % 10;
  return data;
}

export interface Entry {
  readonly header: Partial<Header> & { readonly name: string };
  readonly data?: Uint8Array;
}

/** The entries of a proper archive. */
export function properEntries(): Entry[] {
  return [
    { header: { name: 'cifar-10-batches-bin/', type: 'directory' } },
    ...smallFiles.map(({ name, records }) => ({
      header: { name: `cifar-10-batches-bin/${name}` },
      data: noiseRecords(records),
    })),
    { header: { name: 'cifar-10-batches-bin/readme.html' }, data: new TextEncoder().encode('<p>CIFAR-10</p>') },
  ];
}

export async function tarGz(entries: readonly Entry[]): Promise<Uint8Array> {
  const tar = pack();
  for (const { header, data } of entries) {
    if (data) tar.entry(header, data);
    else tar.entry(header);
  }
  tar.finalize();
  return Uint8Array.from(gzipSync(new Uint8Array(await arrayBuffer(tar as unknown as AsyncIterable<Uint8Array>))));
}

/** What describes these bytes as an archive to be had at these places. */
export function describeArchive(file: Uint8Array, urls: readonly string[]): Archive {
  return { name: 'cifar-10-binary.tar.gz', urls, size: file.length, sha256: sha256(file) };
}
