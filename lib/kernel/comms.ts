// Comms: Jupyter's channels between an object in the kernel and its counterpart in the page. tslab 1.0.22 has none.
// https://jupyter-client.readthedocs.io/en/stable/messaging.html#custom-messages
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/** The header of a message from the page. */
export type Message = Readonly<Record<string, unknown>>;

/** The kernel's end of a comm. */
export interface Comm {
  readonly id: string;
  /** @param cause the page's message, if this answers one */
  send(data: object, cause?: Message): void;
  /** Closes it here and in the page. */
  close(): void;
}

export interface CommListener {
  /** Called with what the page sends, and the header of its message. */
  onMessage?(data: Readonly<Record<string, unknown>>, message: Message): void;
  /** Called when the page closes it. */
  onClose?(): void;
}

/**
 * Opens a comm from the kernel's side.
 * @returns undefined without a front end: outside a notebook, or in a kernel that was started without kernel.ts
 */
export function openComm(
  target: string,
  data: object,
  { metadata = {}, ...listener }: CommListener & { metadata?: object } = {},
): Comm | undefined {
  if (!server) return undefined;
  const id = randomUUID();
  publish('comm_open', { comm_id: id, target_name: target, data }, { metadata });
  return addComm(id, target, listener);
}

/** Accepts comms that the page opens to `target`. Those to other targets are closed at once. */
export function acceptComms(target: string, accept: (comm: Comm) => CommListener): void {
  targets.set(target, accept);
}

/** Whether a page has asked for the comms to `target`, as JupyterLab's widgets do before any cell runs. */
export const hasFrontend = (target: string): boolean => askedFor.has(target);

/** Calls `listener` when a page first asks for the comms to `target`. */
export function onFrontend(target: string, listener: () => void): void {
  listeners.set(target, [...(listeners.get(target) ?? []), listener]);
}

/** Adds comms to tslab's server. Must precede the kernel's first message: a page asks for comms when it connects. */
export function installComms(prototype: ZmqServer): void {
  const handleOthers = prototype.handleShellMessage;
  prototype.handleShellMessage = async function (socket, ...frames) {
    listenOn(this);
    const { identity, signature, parts } = splitFrames(frames);
    const header = parseHeader(parts[0]);
    if (!header?.msg_type.startsWith('comm_')) return handleOthers.call(this, socket, ...frames);
    // Reject unsigned messages.
    if (!isSigned(signature, parts, this.connInfo.key)) return;
    const request = { header, createReply: (type?: string) => createReply(identity, header, type) };
    this.publishStatus('busy', request);
    try {
      handleComm(this, socket, request, JSON.parse(parts[3].toString()) as CommContent);
    } finally {
      this.publishStatus('idle', request);
    }
  };
}

// There is one kernel in a process, so its state is the module's.
let server: ZmqServer | undefined;
const listenOn = (running: ZmqServer) => (server = running);
const comms = new Map<string, { readonly target: string; readonly listener: CommListener }>();
const targets = new Map<string, (comm: Comm) => CommListener>();
const askedFor = new Set<string>();
const listeners = new Map<string, (() => void)[]>();

function addComm(id: string, target: string, listener: CommListener): Comm {
  comms.set(id, { target, listener });
  return {
    id,
    send: (data, cause) => publish('comm_msg', { comm_id: id, data }, { parent: cause }),
    close: () => {
      if (comms.delete(id)) publish('comm_close', { comm_id: id, data: {} });
    },
  };
}

function handleComm(server: ZmqServer, socket: Socket, { header, createReply }: Request, content: CommContent): void {
  const { comm_id: id, target_name: target, data = {} } = content;
  switch (header.msg_type) {
    case 'comm_info_request': {
      if (target) noteAsked(target);
      const asked = [...comms].filter(([, comm]) => !target || comm.target === target);
      const reply = createReply('comm_info_reply');
      const entries = asked.map(([id, comm]) => [id, { target_name: comm.target }] as const);
      reply.content = { status: 'ok', comms: Object.fromEntries(entries) };
      return reply.signAndSend(server.connInfo.key, socket);
    }
    case 'comm_open': {
      const accept = targets.get(target ?? '');
      if (!accept) return publish('comm_close', { comm_id: id, data: {} });
      const listener: CommListener = {};
      Object.assign(listener, accept(addComm(id, target ?? '', listener)));
      return;
    }
    case 'comm_msg':
      return comms.get(id)?.listener.onMessage?.(data, header);
    case 'comm_close': {
      const comm = comms.get(id);
      comms.delete(id);
      return comm?.listener.onClose?.();
    }
  }
}

function noteAsked(target: string): void {
  askedFor.add(target);
  const waiting = listeners.get(target) ?? [];
  listeners.delete(target);
  for (const listener of waiting) listener();
}

// The wire protocol: [identity, …, DELIMITER, signature, header, parent header, metadata, content, buffers …]

const DELIMITER = '<IDS|MSG>';
/** The session that all messages of this kernel belong to. */
export const kernelSession = randomUUID();

interface Header {
  readonly msg_type: string;
  readonly [name: string]: unknown;
}

/** A message from the page, in the form that tslab's own code expects. */
interface Request {
  readonly header: Header;
  readonly createReply: (type?: string) => Reply;
}

interface CommContent {
  readonly comm_id: string;
  readonly target_name?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** A status or an answer, which tslab fills in and sends. */
interface Reply {
  header: Header;
  content: object;
  signAndSend(key: string, socket: Socket): void;
}

interface Socket {
  send(frames: (string | Buffer)[]): unknown;
}

/** The parts of tslab's server that are used here. */
export interface ZmqServer {
  readonly connInfo: { readonly key: string };
  readonly iopub: Socket;
  bindSocket: (this: ZmqServer, socket: Socket, port: number) => Promise<void>;
  publishStatus: (this: ZmqServer, status: string, request: unknown) => void;
  handleShellMessage: (this: ZmqServer, socket: Socket, ...frames: Buffer[]) => Promise<void>;
}

function splitFrames(frames: readonly Buffer[]) {
  const start = frames.findIndex((frame) => frame.equals(Buffer.from(DELIMITER)));
  // The signature covers header, parent header, metadata and content.
  return { identity: frames.slice(0, start), signature: frames[start + 1], parts: frames.slice(start + 2, start + 6) };
}

/** Undefined if malformed: tslab itself reports such a message. */
function parseHeader(part: Buffer | undefined): Header | undefined {
  try {
    const { msg_type, ...others } = JSON.parse(String(part)) as Header;
    return typeof msg_type === 'string' ? { msg_type, ...others } : undefined;
  } catch {
    return undefined;
  }
}

const createReply = (identity: readonly Buffer[], parent: Header, type = ''): Reply => ({
  header: newHeader(type),
  content: {},
  signAndSend(key, socket) {
    socket.send([...identity, ...signedFrames(key, this.header, parent, {}, this.content)]);
  },
});

function publish(
  type: string,
  content: object,
  { parent = {}, metadata = {} }: { parent?: object; metadata?: object } = {},
): void {
  if (!server) return;
  server.iopub.send([type, ...signedFrames(server.connInfo.key, newHeader(type), parent, metadata, content)]);
}

const newHeader = (type: string): Header => ({
  msg_id: randomUUID(),
  msg_type: type,
  session: kernelSession,
  username: 'kernel',
  date: new Date().toISOString(),
  version: '5.3',
});

function signedFrames(key: string, ...parts: readonly object[]): string[] {
  const texts = parts.map((part) => JSON.stringify(part));
  return [DELIMITER, signatureOf(texts, key), ...texts];
}

function signatureOf(parts: readonly (string | Buffer)[], key: string): string {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}

function isSigned(signature: Buffer, parts: readonly Buffer[], key: string): boolean {
  const right = Buffer.from(signatureOf(parts, key));
  return signature.length === right.length && timingSafeEqual(signature, right);
}
