/**
 * One WebSocket connection: who it is, what it may do, how much it has unanswered. Takes frames in, gives reply frames out.
 */

import { checkFrame } from '../../protocol/check-frame.ts';
import { COMMANDS, commandOfKind, type Scope } from '../../protocol/commands.ts';
import { crc32c } from '../../protocol/crc32c.ts';
import { FRAME_HEADER, FrameFlags, REFUSAL, REFUSED_KIND, REPLY_BIT } from '../../protocol/frame.ts';
import {
  bodyEndOf,
  CHECKSUM_BYTES,
  countOf,
  flagsOf,
  kindOf,
  requestIdHighOf,
  requestIdLowOf,
  writeHeader,
} from '../../protocol/frame-header.ts';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import { parseHelloBody, parseReadChangesBody } from '../../protocol/parse-bodies.ts';
import { Code, resultSpec } from '../../protocol/results.ts';
import { CloseCodes } from '../../protocol/websocket.ts';
import type { Principal } from '../admission/key-store.ts';
import type { RateLimiter } from '../admission/limits.ts';
import type { ChangeReader, CommandEnvelope, Gateway, ReplyCursor, ReplySink } from '../gateway.ts';
import type { SwitchMetrics } from '../observe/metrics.ts';

/** What every session of a transport shares. */
export interface SessionContext {
  readonly gateway: Gateway;
  readonly changes: ChangeReader;
  readonly authenticate: (key: string) => Principal | undefined;
  readonly rateLimiter: RateLimiter;
  readonly metrics: SwitchMetrics;
  readonly inFlightMax: number;
  readonly partitions: number;
  /** Name and version, for the hello reply. */
  readonly server: string;
  readonly log: (event: string, details: Readonly<Record<string, unknown>>) => void;
}

/** The socket as a session needs it. */
export interface SessionSocket {
  /** False when the frame was dropped because the reader is too slow: the connection is to be closed. */
  send(frame: Uint8Array): boolean;
  /** Runs `write` so that what it sends leaves together. */
  cork(write: () => void): void;
  /** Bytes accepted and not yet taken by the peer. */
  bufferedBytes(): number;
  close(code: number, reason: string): void;
  /** Cuts the connection and drops what the peer has not read: a close frame would queue behind it for ever. */
  terminate(): void;
}

/** Above this much unread output a session's requests are refused until it reads. */
const UNREAD_BYTES_MAX = 1_048_576;
/** A caller that asks for this much without a valid key is not one of ours. */
const STRANGER_FRAMES_MAX = 8;

const SCOPE_BIT: Readonly<Record<Scope, number>> = { read: 1, pay: 2, ledger: 4, admin: 8 };
const SCOPE_OF_KIND = Uint8Array.from({ length: 256 }, (_, kind) => {
  const name = commandOfKind(kind);
  return name === undefined ? 0 : SCOPE_BIT[COMMANDS[name].scope];
});
/** Requests of one session that may wait for changes at once. */
const WAITING_MAX = 64;
const HELLO = COMMANDS.hello.kind;
const READ_CHANGES = COMMANDS.readChanges.kind;
const PING = COMMANDS.ping.kind;

export class Session implements ReplySink {
  readonly #context: SessionContext;
  readonly #socket: SessionSocket;
  /** Reused for every submit: it is read before submit returns. */
  readonly #envelope: { -readonly [K in keyof CommandEnvelope]: CommandEnvelope[K] } = {
    kind: 0,
    flags: 0,
    count: 0,
    requestIdLow: 0,
    requestIdHigh: 0,
    institution: 0,
  };
  #principal: Principal | undefined;
  #scopes = 0;
  #inFlight = 0;
  /** What gives up the requests that wait for changes. */
  readonly #waiting = new Set<() => void>();
  #strangerFrames = 0;
  #closed = false;

  constructor(context: SessionContext, socket: SessionSocket) {
    this.#context = context;
    this.#socket = socket;
  }

  get isAuthenticated(): boolean {
    return this.#principal !== undefined;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes one binary message. `frame` is dead when this returns. */
  receive(frame: Uint8Array): void {
    const malformed = checkFrame(frame);
    if (malformed !== Code.ok) return this.#refuse(frame, malformed);
    const kind = kindOf(frame);
    if (kind === HELLO) return this.#hello(frame);
    if (this.#principal === undefined) return this.#stranger(frame);
    if ((this.#scopes & (SCOPE_OF_KIND[kind] as number)) === 0) return this.#refuse(frame, Code.forbidden);
    if (kind === PING) return this.#answer(frame, kind, 0, new Uint8Array(0));
    if (kind === READ_CHANGES) return this.#readChanges(frame, this.#principal.institution);
    this.#submit(frame, kind, this.#principal.institution);
  }

  /** Sends the replies of a batch under one cork. */
  deliver(replies: ReplyCursor): void {
    if (this.#closed) {
      while (replies.take() !== undefined) this.#inFlight--;
      return;
    }
    this.#socket.cork(() => {
      for (let frame = replies.take(); frame !== undefined; frame = replies.take()) {
        this.#inFlight--;
        this.#send(frame);
      }
    });
  }

  /** The socket is gone: replies still to come are dropped. */
  closed(): void {
    this.#closed = true;
    for (const giveUp of this.#waiting) giveUp();
    this.#inFlight -= this.#waiting.size;
    this.#waiting.clear();
  }

  /** Whether there is room for one more request of this session. */
  #admit(institution: number): number {
    const { inFlightMax, rateLimiter } = this.#context;
    if (this.#inFlight >= inFlightMax) return Code.tooManyInFlight;
    if (this.#socket.bufferedBytes() > UNREAD_BYTES_MAX) return Code.tooManyInFlight;
    return rateLimiter.take(institution) > 0 ? Code.rateLimited : Code.ok;
  }

  /** Asks for a page of the change stream. The answer may take its time, and others overtake it. */
  #readChanges(frame: Uint8Array, institution: number): void {
    const parsed = parseReadChangesBody(decodeMessagePack(frame.subarray(FRAME_HEADER.size, bodyEndOf(frame))));
    if (!parsed.ok) return this.#refuse(frame, Code.malformedBody);
    const admitted = this.#waiting.size >= WAITING_MAX ? Code.tooManyInFlight : this.#admit(institution);
    if (admitted !== Code.ok) return this.#refuse(frame, admitted);
    // The frame is gone when the answer comes; its header is what the answer repeats.
    const header = frame.slice(0, FRAME_HEADER.size);
    this.#inFlight++;
    const giveUp = this.#context.changes.read({ ...parsed.value, institution, form: 'messagePack' }, (page) => {
      this.#waiting.delete(giveUp);
      this.#inFlight--;
      if (page.code === Code.ok) this.#answer(header, READ_CHANGES, page.body.length, page.body);
      else this.#refuse(header, page.code);
    });
    this.#waiting.add(giveUp);
  }

  #submit(frame: Uint8Array, kind: number, institution: number): void {
    const { gateway } = this.#context;
    const admitted = this.#admit(institution);
    if (admitted !== Code.ok) return this.#refuse(frame, admitted);
    const envelope = this.#envelope;
    envelope.kind = kind;
    envelope.flags = flagsOf(frame);
    envelope.count = countOf(frame);
    envelope.requestIdLow = requestIdLowOf(frame);
    envelope.requestIdHigh = requestIdHighOf(frame);
    envelope.institution = institution;
    const code = gateway.submit(envelope, frame.subarray(FRAME_HEADER.size, bodyEndOf(frame)), this);
    if (code === Code.ok) this.#inFlight++;
    else this.#refuse(frame, code);
  }

  #hello(frame: Uint8Array): void {
    const { authenticate, server, partitions, inFlightMax, log } = this.#context;
    const parsed = parseHelloBody(decodeMessagePack(frame.subarray(FRAME_HEADER.size, bodyEndOf(frame))));
    if (!parsed.ok) return this.#refuse(frame, Code.malformedBody);
    const principal = authenticate(parsed.value.key);
    if (principal === undefined) return this.#stranger(frame);
    this.#principal = principal;
    this.#scopes = principal.scopes.reduce((bits, scope) => bits | SCOPE_BIT[scope], 0);
    const { institution, institutionName, scopes, keyId } = principal;
    log('session authenticated', { institution, keyId, client: parsed.value.client ?? '' });
    const reply = encodeMessagePack({ server, institution, institutionName, scopes, partitions, inFlightMax });
    this.#answer(frame, HELLO, reply.length, reply);
  }

  /** Refuses what comes without a valid key, and ends a connection that goes on like that. */
  #stranger(frame: Uint8Array): void {
    this.#refuse(frame, Code.unauthenticated);
    this.#strangerFrames++;
    if (this.#strangerFrames < STRANGER_FRAMES_MAX) return;
    this.#context.log('session closed: not authenticated', { frames: this.#strangerFrames });
    this.#socket.close(CloseCodes.policy, 'not authenticated');
  }

  #refuse(frame: Uint8Array, code: number): void {
    this.#context.metrics.refusal(code);
    const detail = new TextEncoder().encode(resultSpec(code).en);
    const body = new Uint8Array(REFUSAL.size + detail.length);
    const view = new DataView(body.buffer);
    view.setUint16(REFUSAL.at.code, code, true);
    view.setUint16(REFUSAL.at.detailLength, detail.length, true);
    body.set(detail, REFUSAL.size);
    this.#answer(frame, REFUSED_KIND, 1, body);
  }

  /** Answers a request at once, without a batch. What cannot be read of its header counts as zero. */
  #answer(request: Uint8Array, kind: number, count: number, body: Uint8Array): void {
    const readable = request.length >= FRAME_HEADER.size;
    const checksum = readable && kind !== REFUSED_KIND ? flagsOf(request) & FrameFlags.checksum : 0;
    const reply = new Uint8Array(FRAME_HEADER.size + body.length);
    const low = readable ? requestIdLowOf(request) : 0;
    const high = readable ? requestIdHighOf(request) : 0;
    writeHeader(reply, kind | REPLY_BIT, checksum, count, low, high);
    reply.set(body, FRAME_HEADER.size);
    this.#send(reply);
  }

  #send(frame: Uint8Array): void {
    if (this.#closed) return;
    const whole = (flagsOf(frame) & FrameFlags.checksum) === 0 ? frame : withChecksum(frame);
    if (this.#socket.send(whole)) return;
    this.#context.metrics.backpressureClose();
    this.#context.log('session closed: the peer does not read its replies', { inFlight: this.#inFlight });
    this.#socket.terminate();
  }
}

function withChecksum(frame: Uint8Array): Uint8Array {
  const whole = new Uint8Array(frame.length + CHECKSUM_BYTES);
  whole.set(frame);
  new DataView(whole.buffer).setUint32(frame.length, crc32c(frame, 0, frame.length), true);
  return whole;
}
