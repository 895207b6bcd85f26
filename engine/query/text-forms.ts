/** How numbers of the engine read as text, wherever they leave as JSON. */
import { currencyOfNumeric } from '../../protocol/currencies.ts';

/** Microseconds since 1970 as `2026-01-31T08:00:00.000123Z`. The engine's clock ends in the year 9999, long before a Date does. */
export function formatTime(us: number): string {
  const ms = Math.min(Math.floor(us / 1000), 253_402_300_799_999);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us % 1000).padStart(3, '0')}Z`;
}

/** Alphabetic where ISO 4217 knows the number, else the digits. */
export function formatCurrency(ledger: number): string {
  return currencyOfNumeric(ledger)?.alphabetic ?? String(ledger);
}
