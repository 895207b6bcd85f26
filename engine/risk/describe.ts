/** From records in memory to the facts that rules look at. */
import { RiskContextFlags, Signals } from '../../protocol/risk.ts';
import { ContextWord, PaymentWord, readU64, SignalWord } from '../ledger/words.ts';
import { Counted, type Facts, Subjects } from './facts.ts';

/** A payment as its record stands somewhere in memory. */
export interface DescribedPayment {
  readonly words: Uint32Array;
  /** Word of the PAYMENT record. */
  readonly at: number;
  /** Word of its RISK_CONTEXT; 0 = there is none. */
  readonly contextAt: number;
}

/** What is counted by a signal. */
const COUNTED_BY_SIGNAL: Readonly<Record<number, number>> = {
  [Signals.authenticationFailed]: Counted.authenticationFailed,
  [Signals.bound]: Counted.bound,
  [Signals.rebound]: Counted.rebound,
};

/** Takes down what is known of a payment at the time `now` (microseconds since 1970), whose payer has this tier. */
export function describePayment(facts: Facts, payment: DescribedPayment, now: number, tier: number): void {
  const { words, at, contextAt } = payment;
  facts.now = now;
  facts.amount = readU64(words, at + PaymentWord.amount);
  facts.ledger = words[at + PaymentWord.ledger] as number;
  facts.code = (words[at + PaymentWord.code] as number) & 0xffff;
  facts.tier = tier;
  readContext(facts, words, contextAt);
  setSubject(facts, Subjects.payer, words, at + PaymentWord.payerAccountId);
  setSubject(facts, Subjects.payee, words, at + PaymentWord.payeeAccountId);
  if (facts.mcc === 0) clearSubject(facts, Subjects.merchant);
  else setSubject(facts, Subjects.merchant, words, at + PaymentWord.payeeAccountId);
}

/** Takes down the RISK_SIGNAL at word `at`; returns what it counts as: a Counted value. */
export function describeSignal(facts: Facts, words: Uint32Array, at: number, now: number): number {
  facts.now = now;
  facts.amount = 0;
  facts.ledger = 0;
  facts.code = 0;
  facts.tier = 0;
  readContext(facts, words, 0);
  facts.subjects.fill(0);
  setSubject(facts, Subjects.payer, words, at + SignalWord.accountId);
  setSubject(facts, Subjects.device, words, at + SignalWord.device);
  const counted = COUNTED_BY_SIGNAL[(words[at + SignalWord.kind] as number) & 0xff];
  if (counted === undefined) throw new Error('a signal of an unknown kind was taken');
  return counted;
}

function readContext(facts: Facts, words: Uint32Array, at: number): void {
  const has = at !== 0;
  const place = has ? (words[at + ContextWord.countryAndMcc] as number) : 0;
  const kinds = has ? (words[at + ContextWord.kinds] as number) : 0;
  facts.country = place & 0xffff;
  facts.mcc = place >>> 16;
  facts.channel = kinds & 0xff;
  facts.codeTier = (kinds >>> 8) & 0xff;
  facts.hasLocation = ((kinds >>> 16) & RiskContextFlags.location) !== 0;
  facts.latitude = has ? (words[at + ContextWord.latitude] as number) | 0 : 0;
  facts.longitude = has ? (words[at + ContextWord.longitude] as number) | 0 : 0;
  if (has) {
    setSubject(facts, Subjects.device, words, at + ContextWord.device);
    setSubject(facts, Subjects.ip, words, at + ContextWord.ip);
    setSubject(facts, Subjects.card, words, at + ContextWord.card);
  } else {
    clearSubject(facts, Subjects.device);
    clearSubject(facts, Subjects.ip);
    clearSubject(facts, Subjects.card);
  }
}

function setSubject({ subjects }: Facts, subject: number, words: Uint32Array, at: number): void {
  const to = subject << 2;
  for (let word = 0; word < 4; word++) subjects[to + word] = words[at + word] as number;
}

function clearSubject({ subjects }: Facts, subject: number): void {
  const at = subject << 2;
  for (let word = 0; word < 4; word++) subjects[at + word] = 0;
}
