/** The texts of a rule file and what they mean: durations, amounts, times of day. */
import { currencyOfAlphabetic } from '../../protocol/currencies.ts';

const MICROS_PER: Readonly<Record<string, number>> = {
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};
const MICROS_PER_MINUTE = 60_000_000;
const MINUTES_PER_DAY = 1440;
/** Longest duration: some ten years. */
const DAYS_MAX = 4000;
const AMOUNT = /^(0|[1-9][0-9]{0,14})(?:\.([0-9]+))?$/;

/** Microseconds of `90s`, `15m`, `24h`, `30d`; undefined for anything else. */
export function microsOf(text: string): number | undefined {
  const [, digits, unit = ''] = /^([1-9][0-9]{0,6})([smhd])$/.exec(text) ?? [];
  const micros = Number(digits) * (MICROS_PER[unit] ?? Number.NaN);
  return micros <= DAYS_MAX * 86_400_000_000 ? micros : undefined;
}

/** Minor units of a decimal text in a currency; undefined when it is none, or has too many digits. */
export function minorUnitsOf(text: string, alphabetic: string): number | undefined {
  const digits = currencyOfAlphabetic(alphabetic)?.minorUnits;
  const [, whole, fraction = ''] = AMOUNT.exec(text) ?? [];
  if (digits === undefined || whole === undefined || fraction.length > digits) return undefined;
  const minor = Number(whole + fraction.padEnd(digits, '0'));
  return Number.isSafeInteger(minor) ? minor : undefined;
}

/** By ISO 4217 numeric code, minor units. The amounts were checked. */
export function amountsByLedger(amounts: Readonly<Record<string, string>>): ReadonlyMap<number, number> {
  return new Map(
    Object.entries(amounts).map(([alphabetic, text]) => [
      currencyOfAlphabetic(alphabetic)?.numeric ?? 0,
      minorUnitsOf(text, alphabetic) ?? 0,
    ]),
  );
}

/** Numeric codes have three digits. */
const LEDGERS = 1000;

/** Upper bounds by ISO 4217 numeric code. A payment meets a dozen: places in an array, not looks into a Map. */
export class AmountLimits {
  readonly #limits = new Float64Array(LEDGERS).fill(Number.POSITIVE_INFINITY);

  constructor(amounts: Readonly<Record<string, string>>) {
    for (const [ledger, amount] of amountsByLedger(amounts)) this.#limits[ledger] = amount;
  }

  /** Minor units; infinite for a currency that is not named. */
  of(ledger: number): number {
    return ledger < LEDGERS ? (this.#limits[ledger] as number) : Number.POSITIVE_INFINITY;
  }
}

/** Minutes of `+08:00`; undefined for anything else. */
export function offsetMinutesOf(text: string): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(0[0-9]|1[0-4]):([0-5][0-9])$/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** Minutes since midnight of `23:30`; undefined for anything else. */
export function minuteOfDay(text: string): number | undefined {
  const [, hours, minutes] = /^([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(text) ?? [];
  return hours === undefined ? undefined : Number(hours) * 60 + Number(minutes);
}

/** Minutes since midnight at an offset from UTC. */
export function localMinute(now: number, utcOffsetMinutes: number): number {
  const minute = (Math.floor(now / MICROS_PER_MINUTE) + utcOffsetMinutes) % MINUTES_PER_DAY;
  return minute < 0 ? minute + MINUTES_PER_DAY : minute;
}
