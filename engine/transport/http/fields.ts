/**
 * The kinds of field that requests are made of. Each is one zod schema that checks, converts, and describes itself
 * for the OpenAPI document.
 */
import { z } from 'zod';
import { type Currency, currencyOfAlphabetic, currencyOfNumeric } from '../../../protocol/currencies.ts';
import { type Id, parseId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { ResultName } from '../../../protocol/results.ts';

/** Why a value is not accepted. `result` is `malformedBody` unless the table has a better row. */
export class Fault {
  readonly detail: string;
  readonly result: ResultName;

  constructor(detail: string, result: ResultName = 'malformedBody') {
    this.detail = detail;
    this.result = result;
  }
}

type JsonSchema = Readonly<Record<string, unknown>>;

/** A field that `read` judges; `described` is its JSON schema. */
export function field<T>(described: JsonSchema, read: (value: unknown) => T | Fault) {
  return z
    .unknown()
    .transform((value, context): T => {
      const result = value === undefined ? new Fault('is required') : read(value);
      if (!(result instanceof Fault)) return result;
      context.addIssue({ code: 'custom', message: result.detail, params: { result: result.result } });
      return z.NEVER;
    })
    .meta(described);
}

const DIGITS = /^(?:0|[1-9][0-9]{0,15})$/;
const MANY_DIGITS = /^[0-9]+$/;
const HANDLE = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

function readAmount(value: unknown): number | Fault {
  const given = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
  if (typeof given === 'number' && given >= 0 && given <= LIMITS.amountMax) return given;
  if ((typeof given === 'bigint' && given > 0n) || (typeof given === 'number' && given > LIMITS.amountMax)) {
    return new Fault(`is more than ${LIMITS.amountMax}`, 'amountOutOfRange');
  }
  if (typeof given === 'string' && MANY_DIGITS.test(given) && !given.startsWith('0')) {
    return new Fault(`is more than ${LIMITS.amountMax}`, 'amountOutOfRange');
  }
  return new Fault('must be minor units: a whole number from 0, as digits in a string or as an integer');
}

export const amount = field(
  {
    type: ['string', 'integer'],
    pattern: '^(0|[1-9][0-9]{0,15})$',
    minimum: 0,
    maximum: LIMITS.amountMax,
    description: 'Minor units of the currency: 1250 is CNY 12.50, and JPY 1250.',
  },
  readAmount,
);

export const id = field(
  {
    type: 'string',
    pattern: '^([0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$',
    description: '128 bits as 32 hex digits or a UUID, not zero. UUIDv7 is best.',
  },
  (value): Id | Fault =>
    (typeof value === 'string' ? parseId(value) : undefined) ?? new Fault('must be 32 hex digits or a UUID, not zero'),
);

/** An account by its id, or by the handle of a party of the caller's institution. */
export type AccountName = { readonly id: Id } | { readonly handle: string };

export function readAccountName(value: unknown): AccountName | Fault {
  if (typeof value === 'string') {
    const known = parseId(value);
    if (known !== undefined) return { id: known };
    if (HANDLE.test(value)) return { handle: value };
  }
  return new Fault('must be an account id (32 hex digits) or a party handle (1-64 of a-z 0-9 . _ -)');
}

export const account = field(
  {
    type: 'string',
    minLength: 1,
    maxLength: 64,
    description: 'An account id (32 hex digits or a UUID), or the handle of a party of your institution.',
  },
  readAccountName,
);

export const handle = field(
  {
    type: 'string',
    pattern: '^[a-z0-9][a-z0-9._-]{0,63}$',
    description: 'Unique in the institution; not a personal datum.',
  },
  (value) =>
    typeof value === 'string' && HANDLE.test(value)
      ? value
      : new Fault('must be 1-64 of a-z 0-9 . _ and -, a letter or digit first'),
);

function readCurrency(value: unknown): Currency | Fault {
  const found =
    typeof value === 'number' || (typeof value === 'string' && /^[0-9]{3}$/.test(value))
      ? currencyOfNumeric(Number(value))
      : currencyOfAlphabetic(String(value));
  return found ?? new Fault('must be an ISO 4217 code, as CNY or 156');
}

export const currency = field(
  {
    type: ['string', 'integer'],
    description: 'ISO 4217, alphabetic (CNY) or numeric (156).',
  },
  readCurrency,
);

/** Degrees of latitude or longitude: numbers in JSON are whole here, so a fraction is text. */
export function degrees(most: number, description: string) {
  const pattern = '^-?[0-9]{1,3}(\\.[0-9]{1,6})?$';
  return field({ type: ['string', 'integer'], pattern, description: `${description}, as "31.23".` }, (value) => {
    const isText = typeof value === 'string' && new RegExp(pattern).test(value);
    const given = isText || typeof value === 'number' ? Number(value) : Number.NaN;
    return Math.abs(given) <= most ? given : new Fault(`must be degrees from -${most} to ${most}, as "31.23"`);
  });
}

/** Name of a list, or id of a rule. */
export function riskName(description: string) {
  return field({ type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$', description }, (value) =>
    typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,63}$/.test(value)
      ? value
      : new Fault('must be 1-64 of a-z 0-9 and -, a letter or digit first'),
  );
}

/** Text of at most so many bytes in UTF-8, without control characters. */
export function text(bytesMax: number, description: string, tooLong: ResultName = 'malformedBody') {
  return field({ type: 'string', maxLength: bytesMax, description }, (value) => {
    if (typeof value !== 'string') return new Fault('must be a string');
    if (Buffer.byteLength(value) > bytesMax) return new Fault(`is longer than ${bytesMax} bytes`, tooLong);
    return /\p{Cc}/u.test(value) ? new Fault('must not hold control characters') : value;
  });
}

/** A whole number; in a query it is digits. */
export function whole(minimum: number, maximum: number, description: string, otherwise: ResultName = 'malformedBody') {
  return field({ type: 'integer', minimum, maximum, description }, (value) => {
    const given = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
    return typeof given === 'number' && given >= minimum && given <= maximum
      ? given
      : new Fault(`must be a whole number from ${minimum} to ${maximum}`, otherwise);
  });
}

export const flag = (description: string) => z.boolean().meta({ description });

export const userData128 = id.clone().meta({ type: 'string', description: 'Yours: kept and returned, never read.' });

export const userData64 = field(
  { type: ['string', 'integer'], pattern: '^[0-9]{1,20}$', description: 'Yours: 0 to 2^64 - 1.' },
  (value): bigint | Fault => {
    const isText = typeof value === 'string' && /^[0-9]{1,20}$/.test(value);
    const given = isText || typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : -1n;
    return given >= 0n && given <= U64_MAX ? given : new Fault('must be a whole number from 0 to 2^64 - 1');
  },
);

/** RFC 3339 with an offset; microseconds since 1970. */
export const moment = field(
  { type: 'string', format: 'date-time', description: 'RFC 3339 with an offset, as 2026-01-31T08:00:00Z.' },
  (value) => {
    const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;
    const text = typeof value === 'string' && form.test(value) ? value : '';
    const micros = Number(/\.\d{3}(\d{1,3})/.exec(text)?.[1]?.padEnd(3, '0') ?? 0);
    const ms = Date.parse(text);
    return ms >= 0 ? ms * 1000 + micros : new Fault('must be a time as 2026-01-31T08:00:00Z');
  },
);

/** Start and end of a time range. */
export const from = moment
  .clone()
  .meta({ type: 'string', format: 'date-time', description: 'At this time (RFC 3339) or later.' });
export const at = moment.clone().meta({
  type: 'string',
  format: 'date-time',
  description: 'This time (RFC 3339), itself included; now when left out.',
});
export const to = moment
  .clone()
  .meta({ type: 'string', format: 'date-time', description: 'Before this time (RFC 3339).' });

export const cursor = whole(0, Number.MAX_SAFE_INTEGER, '`nextCursor` of the page before.', 'cursorInvalid');
export const limit = whole(1, LIMITS.pageEntriesMax, 'Entries wanted; 100 when left out.', 'limitOutOfRange');
export const LIMIT_DEFAULT = 100;
