/**
 * A statement as text, piece by piece: JSON with amounts in minor units, or CSV (RFC 4180) with amounts as people write them. Its
 * rows are those of `opening`, `entry` and `closing`, so that a table of it can be checked by itself.
 */
import { currencyOfNumeric } from '../../protocol/currencies.ts';
import { formatId, isClientId } from '../../protocol/ids.ts';
import { formatAmount } from '../cli/amount.ts';
import type { Booking, Statement } from './statement.ts';

export const STATEMENT_FORMATS = ['csv', 'json'] as const;
export type StatementFormat = (typeof STATEMENT_FORMATS)[number];

const COLUMNS = ['type', 'date', 'id', 'direction', 'amount', 'currency', 'balance', 'counterpart', 'code', 'payment'];

/** Pieces of the text, each of a few bookings at most. Throws what the bookings throw. */
export function writeStatement(statement: Statement, format: StatementFormat): AsyncGenerator<string, void, undefined> {
  return format === 'csv' ? csvOf(statement) : jsonOf(statement);
}

async function* csvOf(statement: Statement): AsyncGenerator<string, void, undefined> {
  const { ledger, opening, closing, from, to } = statement;
  const digits = currencyOfNumeric(ledger)?.minorUnits ?? 0;
  const currency = currencyName(ledger);
  const money = (minor: bigint): string => formatAmount(minor, digits);
  const line = (...cells: readonly string[]): string => `${cells.join(',')}\r\n`;
  const balanceRow = (type: string, at: bigint | undefined, balance: bigint): string =>
    line(type, at === undefined ? '' : formatMicros(at), '', '', '', currency, money(balance), '', '', '');
  yield line(...COLUMNS) + balanceRow('opening', from, opening);
  for await (const { entry, direction, amount, balance, counterpart } of statement.bookings) {
    const { id, timestamp, code } = entry.transfer;
    const cells = ['entry', formatMicros(timestamp), formatId(id), direction, money(amount), currency, money(balance)];
    yield line(...cells, formatId(counterpart), String(code), paymentOf(entry) ?? '');
  }
  yield balanceRow('closing', to, closing);
}

async function* jsonOf(statement: Statement): AsyncGenerator<string, void, undefined> {
  const { accountId, ledger, opening, closing, from, to } = statement;
  const head = {
    account: formatId(accountId),
    currency: currencyName(ledger),
    from: from === undefined ? null : formatMicros(from),
    to: to === undefined ? null : formatMicros(to),
    openingBalance: String(opening),
  };
  yield `${JSON.stringify(head).slice(0, -1)},"entries":[`;
  let separator = '\n';
  let debits = 0n;
  let credits = 0n;
  for await (const booking of statement.bookings) {
    yield separator + JSON.stringify(bookingJson(booking));
    separator = ',\n';
    if (booking.direction === 'debit') debits += booking.amount;
    else credits += booking.amount;
  }
  const tail = { debits: String(debits), credits: String(credits), closingBalance: String(closing) };
  yield `\n],${JSON.stringify(tail).slice(1)}\n`;
}

function bookingJson({ entry, direction, amount, balance, counterpart }: Booking): object {
  return {
    transfer: formatId(entry.transfer.id),
    direction,
    amount: String(amount),
    balanceAfter: String(balance),
    counterparty: formatId(counterpart),
    code: entry.transfer.code,
    payment: paymentOf(entry) ?? null,
    decidedAt: formatMicros(entry.transfer.timestamp),
  };
}

/** The payment that an entry is a leg of; the engine gives legs their ids. */
export function paymentOf({ transfer }: Booking['entry']): string | undefined {
  return isClientId(transfer.id) || transfer.userData128 === 0n ? undefined : formatId(transfer.userData128);
}

function currencyName(ledger: number): string {
  return currencyOfNumeric(ledger)?.alphabetic ?? String(ledger);
}

/** Microseconds since 1970 as `2026-01-31T08:00:00.000123Z`. */
export function formatMicros(micros: bigint): string {
  const seconds = new Date(Number(micros / 1000n)).toISOString().slice(0, -1);
  return `${seconds}${String(micros % 1000n).padStart(3, '0')}Z`;
}
