import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { download, DownloadError, type DownloadOptions, type Progress } from 'cifar10/util';
import {
  noise,
  read,
  sendFile,
  serve,
  sha256,
  temporaryFolder,
  type Cleanup,
  type FileOptions,
  type Handler,
} from '../data/fileServer';

const file = noise(400_000);
/** The same size, but other bytes. */
const otherFile = noise(400_000);

/** Serves the file with these faults, the first ones on the first request; the last for all that follow. */
function faults(...list: FileOptions[]): Handler {
  return (request, response, server) =>
    sendFile(request, response, server, file, list[Math.min(server.requests.length, list.length) - 1]);
}

function fetchInto(folder: string, urls: string[], options: Partial<DownloadOptions> = {}): Promise<void> {
  return download({
    urls,
    size: file.length,
    sha256: sha256(file),
    to: join(folder, 'file'),
    stallSeconds: 0.3,
    retrySeconds: 0.01,
    ...options,
  });
}

function assertArrived(folder: string): void {
  assert.deepEqual(readdirSync(folder), ['file']);
  assert.equal(sha256(read(join(folder, 'file'))), sha256(file));
}

/** Runs a download that must fail, and gives its error. */
async function failure(work: Promise<void>): Promise<DownloadError> {
  const error = await work.then(
    () => assert.fail('the download should have failed'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof DownloadError, String(error));
  return error;
}

test('a file arrives, and its progress is told from first to last', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({ delay: 15 }));
  const progress: Progress[] = [];
  await fetchInto(folder, [server.url], { onProgress: (p) => progress.push(p) });
  assertArrived(folder);
  assert.ok(progress.length > 2);
  assert.ok(progress.every(({ received }, i) => i === 0 || received >= progress[i - 1].received));
  const last = progress[progress.length - 1];
  assert.deepEqual(last, { received: file.length, total: file.length });
});

test('a file that is there already costs no request', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({}));
  writeFileSync(join(folder, 'file'), file);
  await fetchInto(folder, [server.url]);
  assert.deepEqual(server.requests, []);
});

test('a slow server is waited for as long as bytes come', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({ delay: 30 })); // 0.6 s in all, twice the time without a byte that is allowed
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
  assert.equal(server.requests.length, 1);
});

test('after a stall, the download goes on where it stood', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({ stallAfter: 120_000 }, {}));
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
  assert.deepEqual(server.requests, ['/ all', '/ bytes=120000-']);
});

test('a server that never answers is given up, and nothing is left', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, () => {});
  const error = await failure(fetchInto(folder, [server.url], { stallSeconds: 0.1 }));
  assert.match(error.message, /not a byte for 0\.1 s/);
  assert.deepEqual(readdirSync(folder), []);
});

test('a connection cut again and again is taken up again and again', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({ cutAfter: 60_000 }));
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
  assert.ok(server.requests.length >= 7); // what was under way when the connection broke is lost
  const starts = server.requests.map((request) => Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0));
  assert.deepEqual(
    starts,
    [...starts].sort((a, b) => a - b),
    'what has arrived is not asked for again',
  );
  assert.ok(starts[starts.length - 1] > 0);
});

test('a server without Range starts over, and the bytes are right', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({ ranges: false, cutAfter: 120_000 }, { ranges: false }));
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
  assert.match(server.requests[1], /bytes=/);
});

test('a server without Range that always breaks off is given up, and the part is kept', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({ ranges: false, cutAfter: 120_000 }));
  const error = await failure(fetchInto(folder, [server.url]));
  assert.match(error.message, /terminated|closed|aborted|ECONNRESET/i);
  assert.equal(error.kept, statSync(join(folder, 'file.part')).size);
  assert.ok(!existsSync(join(folder, 'file')));
});

test('another part than the one asked for is not accepted', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, (_, response) => {
    response.writeHead(206, { 'content-range': `bytes 0-${file.length - 1}/${file.length}` }).end(file);
  });
  writeFileSync(join(folder, 'file.part'), file.subarray(0, 1000));
  assert.match((await failure(fetchInto(folder, [server.url]))).message, /another part/);
  assert.deepEqual(read(join(folder, 'file.part')), file.slice(0, 1000));
});

test('a web page in place of the file, as of a network that wants a login, costs nothing that has arrived', async (t) => {
  const folder = temporaryFolder(t);
  const page = '<html>log in';
  const portal = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'content-length': page.length }).end(page);
  });
  writeFileSync(join(folder, 'file.part'), file.subarray(0, 1000));
  assert.match(
    (await failure(fetchInto(folder, [portal.url]))).message,
    /another file, of 12 bytes instead of 400,000/,
  );
  assert.deepEqual(read(join(folder, 'file.part')), file.slice(0, 1000));
});

test('wrong bytes are thrown away, and the next mirror is asked', async (t) => {
  const folder = temporaryFolder(t);
  const bad = await serve(t, (request, response, self) => sendFile(request, response, self, otherFile));
  const good = await serve(t, faults({}));
  const messages: string[] = [];
  await fetchInto(folder, [bad.url, good.url], { onMessage: (line) => messages.push(line) });
  assertArrived(folder);
  assert.deepEqual(good.requests, ['/ all']);
  assert.match(messages.join(), /sha256 differs/);
});

test('wrong bytes everywhere leave nothing', async (t) => {
  const folder = temporaryFolder(t);
  const bad = await serve(t, (request, response, self) => sendFile(request, response, self, otherFile));
  const error = await failure(fetchInto(folder, [bad.url]));
  assert.match(error.message, /sha256 differs/);
  assert.equal(error.kept, 0);
  assert.ok(!existsSync(join(folder, 'file')) && !existsSync(join(folder, 'file.part')));
});

test('a server is not blamed for the bytes of an earlier try', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({}));
  writeFileSync(join(folder, 'file.part'), otherFile.subarray(0, 100_000));
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
  assert.deepEqual(server.requests, ['/ bytes=100000-', '/ all']);
});

for (const [what, size] of [
  ['smaller', 300_000],
  ['larger', 500_000],
] as const) {
  for (const announced of [true, false]) {
    test(`a ${what} file, its length ${announced ? '' : 'not '}announced, is not taken for the right one`, async (t) => {
      const folder = temporaryFolder(t);
      const wrong = await serve(t, (_, response) => {
        response.writeHead(200, announced ? { 'content-length': size } : {}).end(noise(size));
      });
      const good = await serve(t, faults({}));
      await fetchInto(folder, [wrong.url, good.url]);
      assertArrived(folder);
    });
  }
}

test('after a 404 the mirror is asked at once', async (t) => {
  const folder = temporaryFolder(t);
  const none = await serve(t, (_, response) => void response.writeHead(404).end('no such file'));
  const good = await serve(t, faults({}));
  await fetchInto(folder, [none.url, good.url]);
  assertArrived(folder);
  assert.equal(none.requests.length, 1);
});

test('an overloaded server is asked again', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, async (request, response, self) => {
    if (self.requests.length < 3) response.writeHead(503).end();
    else await sendFile(request, response, self, file);
  });
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
});

test('a mirror takes up what another one began', async (t) => {
  const folder = temporaryFolder(t);
  const dying = await serve(t, (request, response, self) =>
    self.requests.length === 1
      ? sendFile(request, response, self, file, { cutAfter: 200_000 })
      : void response.writeHead(410).end(),
  );
  const mirror = await serve(t, faults({}));
  await fetchInto(folder, [dying.url, mirror.url]);
  assertArrived(folder);
  assert.match(mirror.requests.join(), /^\/ bytes=[1-9]\d*-$/);
});

test('redirects are followed, also when resuming', async (t) => {
  const folder = temporaryFolder(t);
  const there = await serve(t, faults({ cutAfter: 100_000 }, {}));
  const here = await serve(t, (_, response) => void response.writeHead(302, { location: `${there.url}/moved` }).end());
  await fetchInto(folder, [here.url]);
  assertArrived(folder);
  assert.match(there.requests.join(), /^\/moved all,\/moved bytes=[1-9]\d*-$/);
});

test('redirects in a circle come to an end', async (t) => {
  const server = await serve(t, (_, response) => void response.writeHead(302, { location: '/' }).end());
  assert.match((await failure(fetchInto(temporaryFolder(t), [server.url]))).message, /HTTP 302/);
});

test('without a network the error names each place and its reason', async (t) => {
  const folder = temporaryFolder(t);
  const closed = createServer();
  await new Promise<void>((done) => closed.listen(0, '127.0.0.1', done));
  const { port } = closed.address() as AddressInfo;
  await new Promise((done) => closed.close(done));
  const error = await failure(
    fetchInto(folder, [`http://127.0.0.1:${port}/a`, 'http://nowhere.invalid/b'], { stallSeconds: 60 }),
  );
  assert.match(error.failures[0], /127\.0\.0\.1.*ECONNREFUSED/);
  assert.match(error.failures[1], /nowhere\.invalid.*no network/);
  assert.deepEqual(readdirSync(folder), []);
});

test('a full disk is told apart from a bad network', async (t) => {
  if (!existsSync('/dev/full')) return t.skip('this system has no /dev/full');
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({}));
  symlinkSync('/dev/full', join(folder, 'file.part'));
  await assert.rejects(fetchInto(folder, [server.url, server.url]), { code: 'ENOSPC' });
  assert.equal(server.requests.length, 1);
});

test('a signal ends it, and what has arrived is kept', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({ delay: 20 }, {}));
  const stop = new AbortController();
  const onProgress = ({ received }: Progress) => received > 100_000 && stop.abort();
  await assert.rejects(fetchInto(folder, [server.url], { signal: stop.signal, onProgress }), { name: 'AbortError' });
  assert.ok(statSync(join(folder, 'file.part')).size > 100_000);
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
});

/** A proxy that tunnels; its log has one line a tunnel. */
async function startProxy(t: Cleanup): Promise<{ url: string; tunnels: string[] }> {
  const tunnels: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request: IncomingMessage, client: Socket) => {
    tunnels.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    if (host !== '127.0.0.1') return client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const there = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      there.pipe(client).pipe(there);
    });
    there.on('error', () => client.destroy());
    client.on('error', () => there.destroy());
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  t.after(() => proxy.close());
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, tunnels };
}

/** Sets environment variables until the test ends. */
function setEnv(t: Cleanup, values: Record<string, string>): void {
  const before = { ...process.env };
  Object.assign(process.env, values);
  t.after(() => {
    for (const name of Object.keys(values)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });
}

test('HTTP_PROXY is used, without a warning', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({}));
  const proxy = await startProxy(t);
  setEnv(t, { HTTP_PROXY: proxy.url, http_proxy: proxy.url, NO_PROXY: '', no_proxy: '' });
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
  assert.deepEqual(proxy.tunnels, [new URL(server.url).host]);
  assert.deepEqual(warnings, []);
});

test('HTTPS_PROXY is used for https, and its refusal is told', async (t) => {
  const proxy = await startProxy(t);
  setEnv(t, { HTTPS_PROXY: proxy.url, https_proxy: proxy.url, NO_PROXY: '', no_proxy: '' });
  const error = await failure(fetchInto(temporaryFolder(t), ['https://nowhere.invalid/file']));
  assert.match(error.message, /502/);
  assert.equal(proxy.tunnels[0], 'nowhere.invalid:443');
});

test('a proxy without a scheme is reached by HTTP; what is no HTTP proxy is refused by name', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({}));
  const proxy = await startProxy(t);
  const bare = proxy.url.replace('http://', '');
  setEnv(t, { HTTP_PROXY: bare, http_proxy: bare, NO_PROXY: '', no_proxy: '' });
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
  assert.equal(proxy.tunnels.length, 1);
  setEnv(t, { HTTP_PROXY: 'socks5://127.0.0.1:9', http_proxy: '' });
  await assert.rejects(fetchInto(temporaryFolder(t), [server.url]), {
    message: /^HTTP_PROXY is socks5:.*; expected the address of an HTTP proxy, such as/,
  });
});

test('NO_PROXY keeps a server off the proxy', async (t) => {
  const folder = temporaryFolder(t);
  const server = await serve(t, faults({}));
  const proxy = await startProxy(t);
  setEnv(t, { HTTP_PROXY: proxy.url, http_proxy: proxy.url, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' });
  await fetchInto(folder, [server.url]);
  assertArrived(folder);
  assert.deepEqual(proxy.tunnels, []);
});
