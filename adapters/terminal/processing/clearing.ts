/**
 * The clearing file of a settlement account: each card payment of a business day, and the totals that a reconciliation (0500) of the day
 * has. Records are comma-separated (RFC 4180), the first field says which:
 *
 *   H  version, account, currency, business day, its beginning and end in UTC, role of the other side
 *   D  number, kind, DE3 (first two digits), amount, time in UTC, payment id, DE38, DE37, DE41, DE42
 *   T  records, then number and amount of debits, debit reversals, credits, credit reversals, and the net amount
 *
 * As JSON it is one document with the same: the fields of H, `payments` for D, `totals` for T; amounts are strings.
 *
 * Amounts are minor units; a debit takes from a cardholder. No card number is in it: it is not kept.
 */
import { formatId } from '../../../protocol/ids.ts';
import { approvalCode } from './message-ids.ts';
import { addEntries, type DayTotals, netOf, noTotals, processingCodeOf, TOTALS_IN_ORDER } from './settlement.ts';
import { isCredit, transactionOf } from './transaction.ts';

/** Who is on the other side of the account: acquirers are paid, issuers pay. */
export type ClearingRole = 'acquirer' | 'issuer';

/** What was posted on the account. */
export interface ClearingEntry {
  readonly direction: 'debit' | 'credit';
  /** Minor units. */
  readonly amount: bigint;
  /** Of the entry; `entryCode` of what the message asked for. */
  readonly code: number;
  readonly paymentId: bigint;
  /** Microseconds since 1970. */
  readonly timestamp: bigint;
}

export interface ClearingHeader {
  readonly account: string;
  readonly currency: string;
  /** YYYY-MM-DD. */
  readonly day: string;
  /** Microseconds since 1970. */
  readonly from: bigint;
  readonly to: bigint;
  readonly role: ClearingRole;
}

export type ClearingFormat = 'csv' | 'json';

type Kind = 'debit' | 'debitReversal' | 'credit' | 'creditReversal';

interface ClearedPayment {
  readonly number: number;
  readonly kind: Kind;
  readonly processingCode: string;
  readonly amount: string;
  readonly time: string;
  readonly paymentId: string;
  readonly approvalCode: string;
  readonly retrieval: string;
  readonly terminal: string;
  readonly merchant: string;
}

const VERSION = 1;
/** Payments that are looked up at once. */
const PAGE = 500;

/**
 * @param entries of the account, oldest first; those that are none of card payments are left out
 * @param referencesOf the references of payments, by id: `enquiry.ts` says what is in them
 */
export async function* clearingFile(
  header: ClearingHeader,
  entries: AsyncIterable<ClearingEntry>,
  referencesOf: (paymentIds: readonly bigint[]) => Promise<ReadonlyMap<bigint, string>>,
  format: ClearingFormat = 'csv',
): AsyncGenerator<string, void, undefined> {
  const { role } = header;
  const form = FORMS[format];
  yield form.begin(header);
  const totals = noTotals();
  let count = 0;
  for await (const page of pagesOf(entries)) {
    const references = await referencesOf([...new Set(page.map(({ paymentId }) => paymentId))]);
    for (const entry of page) {
      const kind = kindOf(entry, role);
      const processingCode = processingCodeOf(entry.code);
      if (kind === undefined || processingCode === undefined) continue;
      addEntries(totals, sumOf(entry, role));
      const { amount, timestamp, paymentId } = entry;
      const [retrieval = '', terminal = '', ...merchant] = (references.get(paymentId) ?? '').split('/');
      yield form.payment({
        ...{ number: ++count, kind, processingCode, amount: String(amount), time: momentOf(timestamp) },
        ...{ paymentId: formatId(paymentId), approvalCode: approvalCode(paymentId) },
        ...{ retrieval, terminal, merchant: merchant.join('/') },
      });
    }
  }
  yield form.end(count, totals);
}

interface Form {
  begin(header: ClearingHeader): string;
  payment(payment: ClearedPayment): string;
  end(count: number, totals: DayTotals): string;
}

const FORMS: Readonly<Record<ClearingFormat, Form>> = {
  csv: {
    begin: ({ account, currency, day, from, to, role }) =>
      record('H', String(VERSION), account, currency, day, momentOf(from), momentOf(to), role),
    payment: (payment) => record('D', ...Object.values<string | number>({ ...payment }).map(String)),
    end: (count, totals) =>
      record('T', String(count), ...TOTALS_IN_ORDER.map((name) => String(totals[name])), String(netOf(totals))),
  },
  json: {
    begin: ({ account, currency, day, from, to, role }) => {
      const head = { version: VERSION, account, currency, day, from: momentOf(from), to: momentOf(to), role };
      return `${JSON.stringify(head).slice(0, -1)},"payments":[`;
    },
    payment: (payment) => `${payment.number === 1 ? '' : ','}\n${JSON.stringify(payment)}`,
    end: (count, totals) => {
      const sums = TOTALS_IN_ORDER.map((name) => [
        name,
        typeof totals[name] === 'bigint' ? String(totals[name]) : totals[name],
      ]);
      const all = { payments: count, ...Object.fromEntries(sums), net: String(netOf(totals)) };
      return `],\n"totals":${JSON.stringify(all)}}\n`;
    },
  },
};

async function* pagesOf(entries: AsyncIterable<ClearingEntry>): AsyncGenerator<ClearingEntry[], void, undefined> {
  let page: ClearingEntry[] = [];
  for await (const entry of entries) {
    page.push(entry);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** An issuer's account is debited where an acquirer's is credited. */
function isCredited({ direction }: ClearingEntry, role: ClearingRole): boolean {
  return (direction === 'credit') === (role === 'acquirer');
}

function kindOf(entry: ClearingEntry, role: ClearingRole): Kind | undefined {
  const transaction = transactionOf(processingCodeOf(entry.code) ?? '');
  if (transaction === undefined) return undefined;
  if (isCredit(transaction)) return isCredited(entry, role) ? 'creditReversal' : 'credit';
  return isCredited(entry, role) ? 'debit' : 'debitReversal';
}

function sumOf(entry: ClearingEntry, role: ClearingRole): Parameters<typeof addEntries>[1] {
  const { code, amount } = entry;
  return isCredited(entry, role)
    ? { code, creditCount: 1, credits: amount, debitCount: 0, debits: 0n }
    : { code, creditCount: 0, credits: 0n, debitCount: 1, debits: amount };
}

function momentOf(micros: bigint): string {
  return new Date(Number(micros / 1000n)).toISOString();
}

function record(...fields: readonly string[]): string {
  return `${fields.map(quoted).join(',')}\r\n`;
}

/** Terminals choose what stands in DE41 and DE42. */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
