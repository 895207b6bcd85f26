/**
 * What an issuer still has to be told, kept in a queue of the engine until the issuer has answered (store and forward):
 *
 *     armed ── release ──▶ due ⟲ sent again, ever more slowly ──▶ answered: removed
 *       └──── remove
 *
 * Notices of one payment are sent in their order. What is kept is sealed: it has the card number.
 */
import { z } from 'zod';
import { formatId, type Id, parseId } from '../../../protocol/ids.ts';
import type { OutboxEntry, RegistryReply } from '../../../protocol/registry-bodies.ts';
import { Code } from '../../../protocol/results.ts';
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import type { CompiledSpec } from '../iso8583/compile-spec.ts';
import type { Message } from '../iso8583/message.ts';
import type { LinkClock } from '../link/clock.ts';
import type { IssuerResult } from '../link/issuer-link.ts';
import type { LinkState } from '../link/observer.ts';
import { isApproved } from './action-codes.ts';
import type { Bank } from './bank.ts';
import { type KeptMessage, keep, restore } from './forward.ts';

/** undo: takes back what was asked. standIn: what was approved in the issuer's name. passedOn: what the acquirer has told. */
export type NoticeKind = 'undo' | 'standIn' | 'passedOn';

export interface Notice {
  readonly kind: NoticeKind;
  readonly paymentId: bigint;
  readonly payerAccountId: bigint;
  readonly message: Message;
  /** For people: no value of the card. */
  readonly reference: string;
}

/** The link as it is needed here. */
export interface IssuerConnection {
  readonly state: LinkState;
  request(message: Message, timeoutMs: number): Promise<IssuerResult>;
}

export interface StoreAndForwardParts {
  /** Name of the link, and of the queue. */
  readonly queue: string;
  readonly spec: CompiledSpec;
  readonly connection: IssuerConnection;
  readonly bank: Bank;
  readonly vault: KeyVault;
  /** Id of the key that seals (usage D0). */
  readonly keyId: string;
  readonly clock: LinkClock;
  readonly nowMs: () => number;
  readonly note: (text: string) => void;
  /** How long an answer is waited for, and until something is tried again: the second doubles with each time. */
  readonly answerMs: number;
  readonly retryMs: number;
}

/** A notice as it stands in the queue. */
export interface KeptNotice extends Notice {
  readonly id: Id;
  readonly state: 'armed' | 'due';
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
}

const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
const PAUSE_MOST_MS = 60_000;
const PAGE = 100;
/** The issuer could not look at it (malfunction, inoperative, cutover): it is told again. */
const UNHEARD = new Set(['06', '90', '91', '92', '96', '906', '907', '908', '909', '912']);
/** When people hear of a notice that does not get through. */
const STUCK_ATTEMPTS = 10;

const Body = z.tuple([
  z.enum(['undo', 'standIn', 'passedOn']),
  z.string(),
  z.string(),
  z.tuple([z.string()], z.tuple([z.number(), z.string()])),
]);

export class StoreAndForward {
  readonly #parts: StoreAndForwardParts;
  #isSending = false;
  #isPoked = false;
  #isClosed = false;
  #cancelTimer: (() => void) | undefined;

  constructor(parts: StoreAndForwardParts) {
    this.#parts = parts;
  }

  /** Keeps what may have to be sent; a result code. */
  arm(id: Id, notice: Notice): Promise<number> {
    return this.#put(id, notice, 'armed');
  }

  /** Has it sent, once however often it is called for the same id; a result code. */
  async send(id: Id, notice: Notice): Promise<number> {
    const code = await this.#put(id, notice, 'due');
    this.poke();
    // The same notice again, sealed with another nonce.
    return code === Code.outboxExistsDifferently ? Code.ok : code;
  }

  /** Has sent what was armed; a result code. */
  async release(id: Id): Promise<number> {
    const { queue } = this.#parts;
    const code = await this.#ask('changeOutbox', { queue, id: formatId(id), attempts: 0, notBefore: 0 });
    this.poke();
    return code;
  }

  /** It does not have to be told, or was; a result code. */
  remove(id: Id): Promise<number> {
    return this.#ask('removeOutbox', { queue: this.#parts.queue, id: formatId(id) });
  }

  /** All that is kept, in its order; throws when the queue cannot be read. What cannot be opened is noted and left out. */
  async *notices(state?: 'due'): AsyncGenerator<KeptNotice> {
    const { bank, queue, note } = this.#parts;
    let cursor = 0;
    do {
      const page = await bank.registry('listOutbox', {
        ...{ queue, cursor, limit: PAGE },
        ...(state === undefined ? {} : { state }),
      });
      if (typeof page === 'number' || page.code !== Code.ok) throw new Error(`the queue ${queue} cannot be read now`);
      for (const entry of page.entries ?? []) {
        const notice = await this.#open(entry);
        if (typeof notice === 'string') note(`${entry.id} of the queue is not sent: ${notice}`);
        else yield notice;
      }
      cursor = page.nextCursor ?? 0;
    } while (cursor !== 0);
  }

  /** Begins to send what is due, unless that goes on already. */
  poke(): void {
    if (this.#isClosed) return;
    this.#isPoked = true;
    if (this.#isSending) return;
    this.#isSending = true;
    void this.#sendAll();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
  }

  async #sendAll(): Promise<void> {
    let pauseMs = Number.POSITIVE_INFINITY;
    while (this.#isPoked && !this.#isClosed) {
      this.#isPoked = false;
      this.#cancelTimer?.();
      try {
        pauseMs = await this.#pass();
      } catch (error) {
        this.#parts.note(error instanceof Error ? error.message : String(error));
        pauseMs = this.#parts.retryMs;
      }
    }
    this.#isSending = false;
    if (this.#isClosed || pauseMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#parts.clock.after(pauseMs, () => this.poke());
  }

  /** Sends what is due once. Returns how long to wait until something is due again. */
  async #pass(): Promise<number> {
    const { connection, nowMs, retryMs } = this.#parts;
    let next = Number.POSITIVE_INFINITY;
    /** Payments of which an earlier notice waits. */
    const waiting = new Set<bigint>();
    for await (const notice of this.notices('due')) {
      if (this.#isClosed) return Number.POSITIVE_INFINITY;
      if (waiting.has(notice.paymentId)) continue;
      if (connection.state !== 'up') return retryMs;
      const later = notice.notBefore > nowMs() ? notice.notBefore : await this.#deliver(notice);
      if (later === 0) continue;
      waiting.add(notice.paymentId);
      next = Math.min(next, later);
    }
    return Math.max(0, next - nowMs());
  }

  /** Sends one notice. Returns when it is to be sent again, 0 = never. */
  async #deliver(notice: KeptNotice): Promise<number> {
    const { connection, queue, nowMs, note, answerMs, retryMs } = this.#parts;
    const { id, kind, attempts, message } = notice;
    if (attempts > 0) message.mti = `${message.mti.slice(0, 3)}1`;
    const result = await connection.request(message, answerMs);
    const code = typeof result === 'object' ? (result.text(39) ?? '') : result;
    if (typeof result === 'object' && !UNHEARD.has(code)) {
      if (!isApproved(code)) note(`${message.mti} (${kind}) was answered ${code}: it is not sent again`);
      return (await this.remove(id)) === Code.ok ? 0 : nowMs() + retryMs;
    }
    if (result === 'down' || result === 'full' || result === 'collision') return nowMs() + retryMs;
    const tried = attempts + 1;
    if (tried === STUCK_ATTEMPTS || result === 'unfit')
      note(`${message.mti} (${kind}) ${id.toString(16)}: ${code}, tried ${tried} times`);
    const notBefore = nowMs() + Math.min(PAUSE_MOST_MS, retryMs * 2 ** Math.min(tried, 16));
    await this.#ask('changeOutbox', { queue, id: formatId(id), attempts: tried, notBefore: notBefore * 1000 });
    return notBefore;
  }

  async #put(
    id: Id,
    { kind, paymentId, payerAccountId, message, reference }: Notice,
    state: 'armed' | 'due',
  ): Promise<number> {
    const { vault, keyId, queue, nowMs } = this.#parts;
    const content = JSON.stringify([kind, formatId(paymentId as Id), formatId(payerAccountId), keep(message)]);
    const sealed = await vault.seal(keyId, Buffer.from(content), contextOf(queue, formatId(id)));
    if (!sealed.ok) return Code.internalError;
    return this.#ask('putOutbox', {
      ...{ queue, id: formatId(id), state, notBefore: 0, expiresAt: (nowMs() + KEPT_MS) * 1000 },
      ...{ body: Buffer.from(sealed.sealed).toString('base64'), reference: reference.slice(0, 64) },
    });
  }

  async #open(entry: OutboxEntry): Promise<KeptNotice | string> {
    const { vault, keyId, queue, spec } = this.#parts;
    const { id, body = '', state, attempts, notBefore, reference } = entry;
    const opened = await vault.unseal(keyId, Buffer.from(body, 'base64'), contextOf(queue, id));
    if (!opened.ok) return opened.problem;
    const parsed = Body.safeParse(JSON.parse(Buffer.from(opened.plain).toString('utf8')));
    const named = parseId(id);
    if (!parsed.success || named === undefined) return 'it is no notice';
    const [kind, payment, payer, kept] = parsed.data;
    const content: KeptMessage = kept;
    return {
      ...{ id: named, kind, reference, attempts, notBefore: notBefore / 1000 },
      ...{ state: state === 'armed' ? 'armed' : 'due', message: restore(content, spec) },
      ...{ paymentId: parseId(payment) ?? 0n, payerAccountId: parseId(payer) ?? 0n },
    };
  }

  async #ask(...[command, body]: Parameters<Bank['registry']>): Promise<number> {
    const reply: RegistryReply | number = await this.#parts.bank.registry(command, body);
    return typeof reply === 'number' ? reply : reply.code;
  }
}

function contextOf(queue: string, id: string): string {
  return `${queue}/${id}`;
}
