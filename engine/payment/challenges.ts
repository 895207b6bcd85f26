/**
 * Payments that wait for the payer's proof. Nothing is held for them, so they are no holds; all wait equally long, so they come
 * to their end in the order in which they began.
 */
import { LIMITS } from '../../protocol/limits.ts';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import { PAYMENT } from '../../protocol/records.ts';
import { RISK_CONTEXT } from '../../protocol/risk.ts';
import type { DescribedPayment } from '../risk/describe.ts';

const MICROS = LIMITS.challengeSeconds * 1_000_000;
/** Open ones of a partition: 30 MB. */
const OPEN_MAX = 100_000;
const PAYMENT_WORDS = PAYMENT.size >> 2;
const CONTEXT_WORDS = RISK_CONTEXT.size >> 2;

interface Challenge {
  /** When it ends, microseconds since 1970. */
  readonly deadline: number;
  /** PAYMENT, and RISK_CONTEXT if it has one: it is counted when it is confirmed. */
  readonly words: Uint32Array;
}

export class Challenges {
  /** By position of the payment's first version, the one that ends next first. */
  readonly #open = new Map<number, Challenge>();
  /** Whether nothing is kept: for a dry run. */
  readonly #isDry: boolean;

  constructor(isDry: boolean) {
    this.#isDry = isDry;
  }

  get hasRoom(): boolean {
    return this.#open.size < OPEN_MAX;
  }

  /** Microseconds; Infinity = none is open. */
  get next(): number {
    for (const { deadline } of this.#open.values()) return deadline;
    return Number.POSITIVE_INFINITY;
  }

  /** Opens the one of the payment whose first version is at `lsn`. */
  open(lsn: number, now: number, { words, at, contextAt }: DescribedPayment): void {
    if (this.#isDry) return;
    const kept = new Uint32Array(PAYMENT_WORDS + (contextAt === 0 ? 0 : CONTEXT_WORDS));
    kept.set(words.subarray(at, at + PAYMENT_WORDS));
    if (contextAt !== 0) kept.set(words.subarray(contextAt, contextAt + CONTEXT_WORDS), PAYMENT_WORDS);
    this.#open.set(lsn, { deadline: now + MICROS, words: kept });
  }

  /** The payment as it was asked for. */
  payment(lsn: number): DescribedPayment | undefined {
    const words = this.#open.get(lsn)?.words;
    if (words === undefined) return undefined;
    return { words, at: 0, contextAt: words.length > PAYMENT_WORDS ? PAYMENT_WORDS : 0 };
  }

  close(lsn: number): void {
    if (!this.#isDry) this.#open.delete(lsn);
  }

  /** Position and id (four words) of the one that ends next. */
  first(): { readonly lsn: number; readonly id: Uint32Array } {
    for (const [lsn, { words }] of this.#open) return { lsn, id: words.subarray(0, 4) };
    throw new Error('no challenge is open');
  }

  /** Puts it off by a whole time: it is being confirmed. */
  putOff(lsn: number, now: number): void {
    const challenge = this.#open.get(lsn);
    if (challenge === undefined) return;
    this.#open.delete(lsn);
    this.#open.set(lsn, { ...challenge, deadline: now + MICROS });
  }

  /** Undefined when none is open. */
  snapshot(): Uint8Array | undefined {
    if (this.#open.size === 0) return undefined;
    const open = [...this.#open].map(([lsn, { deadline, words }]) => [lsn, deadline, [...words]]);
    return encodeMessagePack({ open });
  }

  restore(saved: Uint8Array): void {
    const { open } = decodeMessagePack(saved) as { open: [number, number, number[]][] };
    for (const [lsn, deadline, words] of open) this.#open.set(lsn, { deadline, words: Uint32Array.from(words) });
  }
}
