/**
 * What a simulated issuer booked, so that a test can compare it with the ledger. Every message counts once: repeats get the
 * first answer, reversals take back once, and a reversal that comes first keeps its original out.
 */
import type { Message } from '../iso8583/message.ts';
import { exchangeOf } from '../link/codes.ts';

export interface BookTotals {
  /** Taken from cards, and given to them, after reversals. */
  readonly debitMinor: number;
  readonly creditMinor: number;
  readonly debits: number;
  readonly credits: number;
  /** Preauthorised and neither completed nor reversed. */
  readonly heldMinor: number;
}

type Side = 'debit' | 'credit' | 'hold' | 'none';

interface Entry {
  readonly side: Side;
  readonly currency: string;
  amountMinor: number;
  /** DE39 of the first answer. */
  readonly code: string;
  isReversed: boolean;
}

const ENTRIES_MAX = 1_000_000;
const APPROVED = '00';
const PARTLY = '10';
const REVERSED_BEFORE = '12';
const FULL = '96';
const REFUND = '20';
const INQUIRIES = ['30', '31', '38'];

export class IssuerBook {
  /** By exchange, STAN, time and terminal; a reversal that knows only a reference keeps its original out by that. */
  readonly #entries = new Map<string, Entry>();
  /** By reference number and terminal: the key of the entry, for what does not know its STAN. */
  readonly #references = new Map<string, string>();

  /** Books a request or advice once; the code to answer with. `decide` is asked only the first time. `part`: what is approved of it. */
  book(message: Message, decide: () => string, part?: number): string {
    const key = keyOf(message);
    const reference = referenceOf(message);
    const known = this.#entries.get(key) ?? this.#entries.get(reference);
    if (known !== undefined) return known.code;
    if (this.#entries.size >= ENTRIES_MAX) return FULL;
    const isAdvice = exchangeOf(message.mti).endsWith('2');
    const code = isAdvice ? APPROVED : decide();
    const side = code === APPROVED || code === PARTLY ? sideOf(message) : 'none';
    const amountMinor = part ?? Number(message.text(4) ?? '0');
    this.#entries.set(key, { side, currency: message.text(49) ?? '', amountMinor, code, isReversed: false });
    if (isAdvice) this.#release(message);
    if (!this.#references.has(reference)) this.#references.set(reference, key);
    return code;
  }

  /** Takes back a booking, or what DE95 does not keep of it. The second time nothing happens. */
  reverse(message: Message): string {
    const key = this.#originalOf(message);
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= ENTRIES_MAX) return FULL;
      const currency = message.text(49) ?? '';
      this.#entries.set(key, { side: 'none', currency, amountMinor: 0, code: REVERSED_BEFORE, isReversed: true });
      return APPROVED;
    }
    const kept = Number((message.text(95) ?? '').slice(0, 12));
    entry.amountMinor = Math.min(entry.amountMinor, kept);
    entry.isReversed = kept === 0;
    return APPROVED;
  }

  totals(currency: string): BookTotals {
    const totals = { debitMinor: 0, creditMinor: 0, debits: 0, credits: 0, heldMinor: 0 };
    for (const entry of this.#entries.values()) {
      if (entry.currency !== currency || entry.isReversed) continue;
      switch (entry.side) {
        case 'debit':
          totals.debitMinor += entry.amountMinor;
          totals.debits++;
          break;
        case 'credit':
          totals.creditMinor += entry.amountMinor;
          totals.credits++;
          break;
        case 'hold':
          totals.heldMinor += entry.amountMinor;
          break;
        case 'none':
          break;
      }
    }
    return totals;
  }

  /** DE66 of the answer to a reconciliation: 1 in balance, 2 not. */
  compare(message: Message): '1' | '2' {
    const totals = this.totals((message.text(50) ?? '').trimEnd());
    const said = [76, 88, 74, 86].map((number) => Number(message.text(number) ?? '0'));
    const booked = [totals.debits, totals.debitMinor, totals.credits, totals.creditMinor];
    return said.every((value, at) => value === booked[at]) ? '1' : '2';
  }

  /** The hold of a preauthorisation ends with its completion. */
  #release(completion: Message): void {
    const held = this.#entries.get(this.#originalOf(completion));
    if (held?.side === 'hold') held.isReversed = true;
  }

  /** By DE90; where its parts are zeros, by reference number. */
  #originalOf(message: Message): string {
    const original = message.text(90) ?? '';
    const [mti, stan, time] = [original.slice(0, 4), original.slice(4, 10), original.slice(10, 20)];
    const terminal = (message.text(41) ?? '').trimEnd();
    const key = `${exchangeOf(mti)}|${stan}|${time}|${terminal}`;
    if (/[1-9]/.test(stan) && /[1-9]/.test(time)) return key;
    const reference = referenceOf(message);
    return this.#references.get(reference) ?? reference;
  }
}

function keyOf(message: Message): string {
  const terminal = (message.text(41) ?? '').trimEnd();
  return `${exchangeOf(message.mti)}|${message.text(11) ?? ''}|${message.text(7) ?? ''}|${terminal}`;
}

function referenceOf(message: Message): string {
  return `${message.text(37) ?? ''}|${(message.text(41) ?? '').trimEnd()}`;
}

function sideOf(message: Message): Side {
  const kind = (message.text(3) ?? '').slice(0, 2);
  if (INQUIRIES.includes(kind)) return 'none';
  if (message.mti[1] === '1') return 'hold';
  return kind === REFUND ? 'credit' : 'debit';
}
