/**
 * A terminal that makes messages of ISO 8583:1987 for cards: it counts its STAN and knows its time and place. How they are
 * sent is another matter: over a link as to an issuer, or byte by byte (`seal`).
 */
import type { Pin } from '../crypto/pin/pin-block.ts';
import type { CompiledSpec } from '../iso8583/compile-spec.ts';
import type { Encoded } from '../iso8583/encode.ts';
import { Message } from '../iso8583/message.ts';
import { type NetworkKind, networkRequest, transmissionTime } from '../link/codes.ts';
import type { LinkMac } from '../link/link-mac.ts';
import type { VirtualCard } from './virtual-card.ts';

export interface TerminalData {
  /** Of ISO 8583:1987. */
  readonly spec: CompiledSpec;
  /** DE41, DE42, DE32, DE18. */
  readonly terminal: string;
  readonly merchant: string;
  readonly acquirer: string;
  readonly category: string;
  /** Numeric, three digits. */
  readonly country: string;
  readonly currency: string;
  readonly utcOffsetMinutes: number;
  /** STANs that were used before. */
  readonly stan?: number;
  readonly now: () => Date;
  /** So many bytes for unpredictable numbers. */
  readonly random: (count: number) => Uint8Array;
  /** Of its PINs. */
  readonly pinKey?: Uint8Array;
}

export interface Presentment {
  readonly contactless?: boolean;
  readonly cdcvm?: boolean;
  readonly pin?: Pin;
}

export type MadeMessage =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly problem: string };

export interface Totals {
  readonly debits: number;
  readonly debitMinor: number;
  readonly credits: number;
  readonly creditMinor: number;
}

/** DE3 begins with the kind; the four digits after it leave the choice of accounts to the issuer. */
const KINDS = {
  purchase: '00',
  cash: '01',
  cashback: '09',
  refund: '20',
  balance: '31',
  preauthorisation: '00',
} as const;
type Kind = keyof typeof KINDS;

const CONDITION_NORMAL = '00';
const CONDITION_PREAUTHORISED = '06';
/** What a reversal or a completion takes from the message that it is about. */
const REFERRED = [2, 3, 4, 14, 18, 22, 23, 25, 32, 37, 41, 42, 49];
const STAN_MAX = 999_999;
const NO_FEE = 'C00000000';

export class VirtualTerminal {
  readonly #data: TerminalData;
  #stan: number;

  constructor(data: TerminalData) {
    this.#data = data;
    this.#stan = data.stan ?? 0;
  }

  purchase(card: VirtualCard, amountMinor: number, how: Presentment = {}): MadeMessage {
    return this.#pay('0200', 'purchase', card, amountMinor, 0, how);
  }

  cash(card: VirtualCard, amountMinor: number, how: Presentment = {}): MadeMessage {
    return this.#pay('0200', 'cash', card, amountMinor, 0, how);
  }

  /** `amountMinor` includes the cash. */
  purchaseWithCashback(card: VirtualCard, amountMinor: number, cashMinor: number, how: Presentment = {}): MadeMessage {
    const made = this.#pay('0200', 'cashback', card, amountMinor, cashMinor, how);
    if (made.ok) made.message.set(54, `0040${this.#data.currency}D${amount(cashMinor)}`);
    return made;
  }

  refund(card: VirtualCard, amountMinor: number, how: Presentment = {}): MadeMessage {
    return this.#pay('0200', 'refund', card, amountMinor, 0, how);
  }

  balance(card: VirtualCard, how: Presentment = {}): MadeMessage {
    return this.#pay('0100', 'balance', card, 0, 0, how);
  }

  preauthorise(card: VirtualCard, amountMinor: number, how: Presentment = {}): MadeMessage {
    return this.#pay('0100', 'preauthorisation', card, amountMinor, 0, how);
  }

  /** The advice (0220) that a preauthorisation was used, with `amountMinor` of it. */
  complete(preauthorisation: Message, answer: Message, amountMinor: number): Message {
    const completion = this.#about(preauthorisation, '0220').set(4, amount(amountMinor));
    const approval = answer.text(38);
    if (approval !== undefined) completion.set(38, approval);
    return completion.set(39, '00').set(90, originalElements(preauthorisation));
  }

  /** 0400 asks for a reversal, 0420 tells of one. `keptMinor`: what stays of the amount, when it is not all reversed. */
  reverse(original: Message, mti: '0400' | '0420', keptMinor?: number): Message {
    const reversal = this.#about(original, mti).set(90, originalElements(original));
    return keptMinor === undefined ? reversal : reversal.set(95, amount(keptMinor) + amount(0) + NO_FEE + NO_FEE);
  }

  /** The same message as a repeat: 0200 → 0201. */
  repeat(original: Message): Message {
    const repeated = original.translate(original.spec);
    repeated.mti = original.mti.slice(0, 3) + String(Number(original.mti[3]) | 1);
    return repeated;
  }

  /** The end of the business day: what this terminal counted, for the other side to compare. */
  reconcile({ debits, debitMinor, credits, creditMinor }: Totals): Message {
    const net = debitMinor - creditMinor;
    return this.#message('0500')
      .set(50, this.#data.currency)
      .set(74, String(credits))
      .set(76, String(debits))
      .set(86, String(creditMinor))
      .set(88, String(debitMinor))
      .set(97, `${net < 0 ? 'C' : 'D'}${String(Math.abs(net)).padStart(16, '0')}`);
  }

  network(kind: NetworkKind): Message {
    const { spec, now, terminal } = this.#data;
    return networkRequest(spec, kind, this.#nextStan(), now()).set(41, terminal);
  }

  /** The bytes of a message, with a MAC when there is one. */
  seal(message: Message, mac: LinkMac | undefined): Promise<Encoded> {
    return mac === undefined ? Promise.resolve(message.encode()) : mac.seal(message);
  }

  #pay(
    mti: '0100' | '0200',
    kind: Kind,
    card: VirtualCard,
    amountMinor: number,
    otherAmountMinor: number,
    { contactless = false, cdcvm = false, pin }: Presentment,
  ): MadeMessage {
    const { currency, country, random, pinKey } = this.#data;
    if (!Number.isSafeInteger(amountMinor) || amountMinor < 0 || amountMinor >= 1e12) {
      return { ok: false, problem: 'an amount has 12 digits at most' };
    }
    if (pin !== undefined && pinKey === undefined) return { ok: false, problem: 'this terminal has no key for PINs' };
    const message = this.#message(mti);
    const tap = card.tap({
      amountMinor,
      otherAmountMinor,
      currency,
      country,
      date: this.#localTime().slice(0, 6),
      type: KINDS[kind],
      unpredictableNumber: random(4),
      contactless,
      cdcvm,
      ...(pin === undefined || pinKey === undefined ? {} : { pin: { digits: pin, key: pinKey } }),
    });
    if (!tap.ok) return tap;
    message.set(3, `${KINDS[kind]}0000`).set(4, amount(amountMinor));
    message.set(25, kind === 'preauthorisation' ? CONDITION_PREAUTHORISED : CONDITION_NORMAL);
    for (const [number, value] of tap.fields) message.set(number, value);
    return { ok: true, message };
  }

  /** A message about an earlier one: its own STAN and time, the same reference number. */
  #about(original: Message, mti: string): Message {
    const message = this.#message(mti);
    for (const number of REFERRED) {
      const text = original.text(number);
      if (text !== undefined) message.set(number, text);
    }
    return message;
  }

  #message(mti: string): Message {
    const { spec, terminal, merchant, acquirer, category, country, currency, now } = this.#data;
    const stan = String(this.#nextStan()).padStart(6, '0');
    const local = this.#localTime();
    return new Message(spec, mti)
      .set(7, transmissionTime(now()))
      .set(11, stan)
      .set(12, local.slice(6, 12))
      .set(13, local.slice(2, 6))
      .set(18, category)
      .set(19, country)
      .set(32, acquirer)
      .set(37, referenceOf(local, stan))
      .set(41, terminal)
      .set(42, merchant)
      .set(49, currency);
  }

  /** YYMMDDhhmmss where the terminal stands. */
  #localTime(): string {
    const { now, utcOffsetMinutes } = this.#data;
    return new Date(now().getTime() + 60_000 * utcOffsetMinutes).toISOString().replace(/\D/g, '').slice(2, 14);
  }

  #nextStan(): number {
    this.#stan = (this.#stan % STAN_MAX) + 1;
    return this.#stan;
  }
}

/** DE37 as most acquirers make it: last digit of the year, day of the year, hour, STAN. */
function referenceOf(local: string, stan: string): string {
  const year = 2000 + Number(local.slice(0, 2));
  const midnight = Date.UTC(year, Number(local.slice(2, 4)) - 1, Number(local.slice(4, 6)));
  const day = 1 + Math.round((midnight - Date.UTC(year, 0, 1)) / 86_400_000);
  return `${year % 10}${String(day).padStart(3, '0')}${local.slice(6, 8)}${stan}`;
}

/** DE90: type, STAN and time of the original, acquirer and forwarder right-justified. */
export function originalElements(original: Message): string {
  const stan = (original.text(11) ?? '').padStart(6, '0');
  const time = (original.text(7) ?? '').padStart(10, '0');
  const [acquirer, forwarder] = [32, 33].map((number) => (original.text(number) ?? '').padStart(11, '0'));
  return `${original.mti}${stan}${time}${acquirer}${forwarder}`;
}

function amount(minor: number): string {
  return String(minor).padStart(12, '0');
}
