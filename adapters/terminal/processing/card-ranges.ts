/**
 * Whose card numbers are whose: ranges by their first digits, how cards of our own are verified, and who is asked about others.
 *
 *   ranges:
 *     - { from: "622848", cryptogramKey: abc-imk, pin: { method: pvv, key: abc-pvk } }
 *     - { from: "62170000", to: "62179999" }
 *     - { from: "4", issuer: bank-b, timeoutMs: 5000, standIn: { amounts: { CNY: 10000 } } }
 */
import { z } from 'zod';
import { currencyOfAlphabetic } from '../../../protocol/currencies.ts';
import { SCHEME_NAMES, type Scheme } from '../crypto/emv/schemes.ts';
import { flattened } from '../link/links-file.ts';

const KEY_ID = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/, 'must be the id of a key of the vault');
const DIGITS = z.string().regex(/^\d{1,19}$/, 'must be 1 to 19 digits');
const Pin = z.discriminatedUnion('method', [
  /** The PVV and its key index stand on track 2, this many digits behind the service code. */
  z.strictObject({ method: z.literal('pvv'), key: KEY_ID, at: z.int().min(0).max(20).default(0) }),
  /** The offset stands there; validated are this many digits of the card number. */
  z.strictObject({
    ...{ method: z.literal('ibm3624'), key: KEY_ID, at: z.int().min(0).max(20).default(0) },
    ...{ validationFrom: z.int().min(0).max(18).default(0), validationDigits: z.int().min(4).max(16).default(16) },
  }),
]);

const ENTRY_MODES = [
  'chip',
  'contactless',
  'magneticStripe',
  'contactlessStripe',
  'fallback',
  'manual',
  'ecommerce',
] as const;

const digits = {
  from: DIGITS,
  /** Last digits of the range; without it, all numbers that begin with `from`. */
  to: DIGITS.optional(),
};

const OwnRange = z.strictObject({
  ...digits,
  /** Key for cryptograms (usage E0); without one, chip and contactless payments are refused. */
  cryptogramKey: KEY_ID.optional(),
  /** Only this scheme's cryptograms; without it the card's data says which. */
  scheme: z.enum(SCHEME_NAMES as readonly [Scheme, ...Scheme[]]).optional(),
  pin: Pin.optional(),
  /** How cards may be read. A stripe can be copied, and a number typed by whoever has seen it: both have to be asked for. */
  entryModes: z.array(z.enum(ENTRY_MODES)).min(1).default(['chip', 'contactless']),
});

/** What is approved in the name of an issuer who does not answer. */
const StandIn = z.strictObject({
  /** The most of one payment in minor units, by alphabetic currency code; nothing in other currencies. */
  amounts: z.record(z.string(), z.int().min(1).max(Number.MAX_SAFE_INTEGER)).superRefine((amounts, context) => {
    for (const code of Object.keys(amounts)) {
      if (currencyOfAlphabetic(code) === undefined) {
        context.addIssue({ code: 'custom', path: [code], message: 'is no currency' });
      }
    }
  }),
  entryModes: z.array(z.enum(ENTRY_MODES)).min(1).default(['chip', 'contactless']),
});

const IssuerRange = z.strictObject({
  ...digits,
  /** Name of the link that leads to who has issued the cards. */
  issuer: z.string().min(1),
  /** How long an answer is waited for. */
  timeoutMs: z.int().min(1).max(120_000).default(8000),
  standIn: StandIn.optional(),
});

/** A range has an issuer, or is our own. */
export const CardRangeConfig = z.unknown().transform((value, context): CardRange => {
  const isOthers = typeof value === 'object' && value !== null && 'issuer' in value;
  const parsed = (isOthers ? IssuerRange : OwnRange).safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues.flatMap(flattened)) {
    context.addIssue({ code: 'custom', path: [...path], message });
  }
  return z.NEVER;
});

export type OwnRange = Readonly<z.infer<typeof OwnRange>>;
export type IssuerRange = Readonly<z.infer<typeof IssuerRange>>;
export type CardRange = OwnRange | IssuerRange;
export type PinRule = z.infer<typeof Pin>;
export const RANGES_MAX = 100_000;

const PAN_DIGITS_MAX = 19;

interface Span {
  readonly from: string;
  readonly to: string;
  readonly range: CardRange;
}

/** The ranges, ready to be asked. Ranges inside others come first: the narrowest that has the number is the one. */
export class CardRanges {
  /** By `from`; of those that begin alike, the widest first. */
  readonly #spans: readonly Span[];
  /** For each span, the narrowest one around it. */
  readonly #parents: Int32Array;

  private constructor(spans: readonly Span[]) {
    this.#spans = spans;
    this.#parents = new Int32Array(spans.length).fill(-1);
    for (let index = 1; index < spans.length; index++) {
      let outer = index - 1;
      while (outer >= 0 && (spans[outer]?.to ?? '') < (spans[index]?.to ?? '')) outer = this.#parents[outer] ?? -1;
      this.#parents[index] = outer;
    }
  }

  /** @returns the table, or what is wrong with which range */
  static of(ranges: readonly CardRange[]): CardRanges | { readonly index: number; readonly problem: string } {
    const spans: (Span & { readonly index: number })[] = [];
    for (const [index, range] of ranges.entries()) {
      const from = range.from.padEnd(PAN_DIGITS_MAX, '0');
      const to = (range.to ?? range.from).padEnd(PAN_DIGITS_MAX, '9');
      if (to < from) return { index, problem: `it ends (${range.to}) before it begins (${range.from})` };
      spans.push({ from, to, range, index });
    }
    spans.sort((a, b) => compare(a.from, b.from) || compare(b.to, a.to));
    const open: (Span & { readonly index: number })[] = [];
    for (const span of spans) {
      while (open.length > 0 && (open.at(-1)?.to ?? '') < span.from) open.pop();
      const outer = open.at(-1);
      if (outer !== undefined && outer.to < span.to) {
        return { index: span.index, problem: `it overlaps the range from ${outer.range.from} without being inside it` };
      }
      if (outer !== undefined && outer.from === span.from && outer.to === span.to) {
        return { index: span.index, problem: `the range from ${span.range.from} is there twice` };
      }
      open.push(span);
    }
    return new CardRanges(spans);
  }

  /** The narrowest range that has the card number. */
  find(pan: string): CardRange | undefined {
    const key = pan.padEnd(PAN_DIGITS_MAX, '0');
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#spans[middle]?.from ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    let at = low - 1;
    while (at >= 0 && (this.#spans[at]?.to ?? '') < key) at = this.#parents[at] ?? -1;
    return this.#spans[at]?.range;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
