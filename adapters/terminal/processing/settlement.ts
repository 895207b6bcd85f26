/**
 * Totals of a link's business day, as its settlement account has them, and the reconciliation of them (0500). Nothing is counted here:
 * the codes of the entries say what they were, so the totals are those of the ledger, after any crash.
 *
 *   purchase    payer ▶ settlement account     credited with a debit's code      its reversal debits it with the same code
 *   refund      settlement account ▶ payer     debited with a credit's code      its reversal credits it with the same code
 */
import type { Aggregate } from '../../../protocol/codecs/reading-codec.ts';
import type { Message } from '../iso8583/message.ts';
import { answerTo } from './answer.ts';
import type { Bank } from './bank.ts';
import type { AcquirerBusiness } from './business.ts';
import { timeOf } from './message-ids.ts';
import { isCredit, transactionOf } from './transaction.ts';

/** In the view of ISO 8583: a debit takes from a cardholder, a credit gives to one. Amounts in minor units. */
export interface DayTotals {
  readonly debits: number;
  readonly debitsAmount: bigint;
  readonly debitReversals: number;
  readonly debitReversalsAmount: bigint;
  readonly credits: number;
  readonly creditsAmount: bigint;
  readonly creditReversals: number;
  readonly creditReversalsAmount: bigint;
}

/** Entries of card payments have this code and the first two digits of DE3: 8300 is a purchase, 8320 a refund. */
const CODE_BASE = 8300;
const KINDS = 100;
const MICROS_PER_MS = 1000n;
const MS_PER_MINUTE = 60_000;
const MS_PER_DAY = 86_400_000;

export function entryCode(processingCode: string): number {
  return CODE_BASE + Number(processingCode.slice(0, 2));
}

/** DE3, its first two digits, of an entry's code; undefined when it is none of a card payment. */
export function processingCodeOf(code: number): string | undefined {
  const kind = code - CODE_BASE;
  return kind >= 0 && kind < KINDS ? String(kind).padStart(2, '0') : undefined;
}

export interface BusinessDay {
  /** Microseconds since 1970; `to` is the first of the next day. */
  readonly from: bigint;
  readonly to: bigint;
}

/** The business day that begins at midnight of a date, by the link's clock. */
export function businessDay(year: number, month: number, day: number, utcOffsetMinutes: number): BusinessDay {
  const from = Date.UTC(year, month - 1, day) - utcOffsetMinutes * MS_PER_MINUTE;
  return { from: BigInt(from) * MICROS_PER_MS, to: BigInt(from + MS_PER_DAY) * MICROS_PER_MS };
}

/** The totals of a day, or a result code of the engine. */
export async function dayTotals(bank: Bank, account: bigint, { from, to }: BusinessDay): Promise<DayTotals | number> {
  const sums = await bank.sums(account, from, to);
  if (typeof sums === 'number') return sums;
  const totals = noTotals();
  for (const sum of sums) addEntries(totals, sum);
  return totals;
}

export function noTotals(): Mutable<DayTotals> {
  return {
    ...{ debits: 0, debitsAmount: 0n, debitReversals: 0, debitReversalsAmount: 0n },
    ...{ credits: 0, creditsAmount: 0n, creditReversals: 0, creditReversalsAmount: 0n },
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Adds entries of one code on an acquirer's account; those that are none of card payments count nowhere. */
export function addEntries(
  totals: Mutable<DayTotals>,
  {
    code,
    debitCount,
    creditCount,
    debits,
    credits,
  }: Pick<Aggregate, 'code' | 'debitCount' | 'creditCount' | 'debits' | 'credits'>,
): void {
  const processingCode = processingCodeOf(code);
  const transaction = processingCode === undefined ? undefined : transactionOf(processingCode);
  if (transaction === undefined) return;
  if (isCredit(transaction)) {
    totals.credits += debitCount;
    totals.creditsAmount += debits;
    totals.creditReversals += creditCount;
    totals.creditReversalsAmount += credits;
  } else {
    totals.debits += creditCount;
    totals.debitsAmount += credits;
    totals.debitReversals += debitCount;
    totals.debitReversalsAmount += debits;
  }
}

/** As a file has them. */
export const TOTALS_IN_ORDER = [
  'debits',
  'debitsAmount',
  'debitReversals',
  'debitReversalsAmount',
  'credits',
  'creditsAmount',
  'creditReversals',
  'creditReversalsAmount',
] as const satisfies readonly (keyof DayTotals)[];

/** Debits less credits, reversals taken off: what the link is owed for the day. */
export function netOf(totals: DayTotals): bigint {
  const { debitsAmount, debitReversalsAmount, creditsAmount, creditReversalsAmount } = totals;
  return debitsAmount - debitReversalsAmount - (creditsAmount - creditReversalsAmount);
}

/** DE66 (1987): whether the two sides agree. */
const SettlementCodes = { inBalance: '1', outOfBalance: '2', error: '3' } as const;
const OUT_OF_BALANCE = '95';

/** Field, digits, and what it says. */
const FIELDS: readonly (readonly [number, number, keyof DayTotals])[] = [
  [74, 10, 'credits'],
  [75, 10, 'creditReversals'],
  [76, 10, 'debits'],
  [77, 10, 'debitReversals'],
  [86, 16, 'creditsAmount'],
  [87, 16, 'creditReversalsAmount'],
  [88, 16, 'debitsAmount'],
  [89, 16, 'debitReversalsAmount'],
];
const NET = 97;
const NET_DIGITS = 16;

/**
 * Answers 0500, 0501, 0520 and 0521: our totals of the day in DE15 (else of DE7), and whether those that were sent are the same. Fields
 * that were not sent are not compared.
 */
export async function reconcile(
  bank: Bank,
  acquirer: AcquirerBusiness,
  message: Message,
  nowMs: number,
): Promise<{ readonly answer: Message; readonly problem?: string }> {
  const error = (responseCode: string, problem: string): { answer: Message; problem: string } => {
    const answer = answerTo(message, { responseCode });
    return { answer: message.spec.version === '0' ? answer.set(66, SettlementCodes.error) : answer, problem };
  };
  const day = dayOf(message, acquirer, nowMs);
  if (day === undefined) return error('30', 'neither field 15 nor field 7 names a day');
  const account = accountOf(message, acquirer);
  if (account === undefined) return error('57', 'the link has no settlement account in this currency');
  const totals = await dayTotals(bank, account, day);
  if (typeof totals === 'number') return error('91', 'the totals cannot be read now');
  const net = netOf(totals);
  const differing = FIELDS.filter(([number, , name]) => isOther(message.text(number), totals[name])).map(([n]) => n);
  if (isOther(message.text(NET), net, true)) differing.push(NET);
  const isBalanced = differing.length === 0;
  const answer = answerTo(message, { responseCode: isBalanced ? '00' : OUT_OF_BALANCE });
  for (const [number, digits, name] of FIELDS) answer.set(number, String(totals[name]).padStart(digits, '0'));
  answer.set(NET, signed(net));
  if (message.spec.version === '0') {
    answer.set(66, isBalanced ? SettlementCodes.inBalance : SettlementCodes.outOfBalance);
  }
  return isBalanced ? { answer } : { answer, problem: `out of balance in fields ${differing.join(', ')}` };
}

/** `D` (debits are more) or `C`, and 16 digits. */
function signed(net: bigint): string {
  return `${net < 0n ? 'C' : 'D'}${String(net < 0n ? -net : net).padStart(NET_DIGITS, '0')}`;
}

function isOther(text: string | undefined, own: number | bigint, isSigned = false): boolean {
  if (text === undefined) return false;
  if (!isSigned) return BigInt(text) !== BigInt(own);
  const amount = BigInt(text.slice(1));
  return (text.startsWith('C') ? -amount : amount) !== BigInt(own);
}

function accountOf(message: Message, { settlement }: AcquirerBusiness): bigint | undefined {
  const currency = message.text(50) ?? message.text(49);
  if (currency !== undefined) return settlement.get(Number(currency));
  return settlement.size === 1 ? [...settlement.values()][0] : undefined;
}

function dayOf(message: Message, { utcOffsetMinutes }: AcquirerBusiness, nowMs: number): BusinessDay | undefined {
  const settled = message.text(message.spec.version === '1' ? 28 : 15);
  // 1987: MMDD; 1993: YYMMDD.
  const named = settled?.slice(-4);
  const time = named === undefined ? sentAt(message, nowMs, utcOffsetMinutes) : timeOf(`${named}120000`, nowMs);
  if (time === undefined) return undefined;
  const date = new Date(time);
  return businessDay(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), utcOffsetMinutes);
}

/** DE7 by the link's clock. */
function sentAt(message: Message, nowMs: number, utcOffsetMinutes: number): number | undefined {
  const sent = timeOf(message.text(7) ?? '', nowMs);
  return sent === undefined ? undefined : sent + utcOffsetMinutes * MS_PER_MINUTE;
}
