/** Words of the command line as the values that they stand for. Each reader throws UsageError with what is expected. */
import { CURRENCIES, type Currency, currencyOfAlphabetic, currencyOfNumeric } from '../../protocol/currencies.ts';
import { deriveId, formatId, type Id, isClientId, newId, parseId, partyAccountId } from '../../protocol/ids.ts';
import { ACCOUNT_TIER_MAX } from '../../protocol/records.ts';
import { suggest } from '../config/suggest.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { UsageError } from './errors.ts';

const HANDLE = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** A currency with a fixed number of decimals: those in which money can be kept. */
export type MoneyCurrency = Currency & { readonly minorUnits: number };

/** `EUR`, `eur` or `978`. */
export function readCurrency(text: string): MoneyCurrency {
  const word = text.toUpperCase();
  const currency = /^\d{1,3}$/.test(word) ? currencyOfNumeric(Number(word)) : currencyOfAlphabetic(word);
  if (currency === undefined) {
    const meant = suggest(
      word,
      CURRENCIES.map(({ alphabetic }) => alphabetic),
    );
    const hint = meant === undefined || word.length !== 3 ? '' : `; did you mean ${meant}?`;
    throw new UsageError(`"${text}" is not a currency: use its ISO 4217 code, for example EUR${hint}`);
  }
  const { minorUnits } = currency;
  if (minorUnits === undefined)
    throw new UsageError(`${currency.alphabetic} has no minor units: no amounts can be in it`);
  return { ...currency, minorUnits };
}

/** Minor units of an amount as typed: `12.50`. */
export function readAmount(text: string, currency: MoneyCurrency): bigint {
  const parsed = parseAmount(text, currency.minorUnits);
  if (!parsed.ok) throw new UsageError(`${parsed.problem} (${currency.alphabetic})`);
  if (parsed.minor === 0n) throw new UsageError('the amount must be more than zero');
  return parsed.minor;
}

/** Like an amount, but zero is one too. */
export function readCreditLimit(text: string, currency: MoneyCurrency): bigint {
  const parsed = parseAmount(text, currency.minorUnits);
  if (!parsed.ok) throw new UsageError(`${parsed.problem} (${currency.alphabetic})`);
  return parsed.minor;
}

/** How well the holder of an account is known. */
export function readTier(text: string): number {
  return readWhole(text, 'the tier', 0, ACCOUNT_TIER_MAX);
}

/** An account: 32 hex digits are its id, anything else the handle of a party of the caller's institution. */
export function readAccount(text: string, currency: MoneyCurrency, institution: number): Id {
  return parseId(text) ?? partyAccountId(institution, readHandle(text), currency.numeric);
}

export function readHandle(text: string): string {
  if (!HANDLE.test(text)) {
    throw new UsageError(`"${text}" is neither a name (1 to 64 of a-z 0-9 . _ -) nor an id (32 hex digits)`);
  }
  return text;
}

/** An id of something that exists. */
export function readId(text: string, what: string): Id {
  const id = parseId(text);
  if (id === undefined) throw new UsageError(`"${text}" is not the id of a ${what}: 32 hex digits`);
  return id;
}

/**
 * The id under which something is created. The same one again is the same request again: 32 hex digits are taken as
 * they are, other text is made into an id that always belongs to it, and nothing means a new one.
 */
export function readNewId(text: string | undefined, institution: number): Id {
  if (text === undefined) return newId();
  const id = parseId(text);
  if (id === undefined) return deriveId('idempotency-key', String(institution), text);
  if (!isClientId(id)) throw new UsageError(`ids that begin with ffffffff belong to the engine: ${formatId(id)}`);
  return id;
}

/** A whole number within bounds, both included. */
export function readWhole(text: string, what: string, minimum: number, maximum: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= minimum && value <= maximum)) {
    throw new UsageError(`${what} must be a whole number from ${minimum} to ${maximum}, not "${text}"`);
  }
  return value;
}

/** A time in µs since 1970: `2026-01-31` (its first moment in UTC) or RFC 3339 with an offset. */
export function readTime(text: string, what: string): bigint {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = isDay || isMoment ? Date.parse(text) : Number.NaN;
  if (!(ms >= 0) || (isDay && !new Date(ms).toISOString().startsWith(text))) {
    throw new UsageError(`${what} must be a day as 2026-01-31 or a time as 2026-01-31T08:00:00Z, not "${text}"`);
  }
  const micros = /\.\d{3}(\d{1,3})/.exec(text)?.[1]?.padEnd(3, '0') ?? '0';
  return BigInt(ms) * 1000n + BigInt(micros);
}

/** The cursor that a page ended with. */
export function readCursor(text: string | undefined): bigint {
  if (text === undefined) return 0n;
  if (!/^\d{1,19}$/.test(text))
    throw new UsageError(`"${text}" is not a cursor: use the one that the last page printed`);
  return BigInt(text);
}

/** An amount with its code: `12.50 EUR`. Ledgers that are no currency show plain units. */
export function formatMoney(minor: bigint, ledger: number): string {
  return `${formatMinor(minor, ledger)} ${ledgerName(ledger)}`;
}

/** An amount without its code. */
export function formatMinor(minor: bigint, ledger: number): string {
  return formatAmount(minor, currencyOfNumeric(ledger)?.minorUnits ?? 0);
}

/** `EUR`, or the number of a ledger that is no currency. */
export function ledgerName(ledger: number): string {
  return currencyOfNumeric(ledger)?.alphabetic ?? String(ledger);
}
