/**
 * A rule set as it stands in a file (YAML or JSON) and in the journal. The schema says what a file may hold; what its texts mean
 * is in units.ts, and what the kinds of rules do in compile.ts.
 */
import { z } from 'zod';
import { currencyOfAlphabetic } from '../../protocol/currencies.ts';
import { type ChannelName, Channels } from '../../protocol/risk.ts';
import { FEATURES_MAX } from './decision.ts';
import { Counted, type CountedName, type SubjectName, Subjects } from './facts.ts';
import { DISTINCT_MAX } from './feature.ts';
import { microsOf, minorUnitsOf, minuteOfDay, offsetMinutesOf } from './units.ts';

/** What becomes of a payment, the mildest first. Numbers are stored. */
export const Outcomes = { approve: 0, stepUp: 1, hold: 2, review: 3, decline: 4 } as const;
/** As files and people call them; by number. */
export const OUTCOME_NAMES = ['approve', 'step_up', 'hold', 'review', 'decline'] as const;

/** A hit is kept as the rule's place, in 15 bits; this is what one payment can be put through in microseconds. */
export const RULES_MAX = 256;
export const CONDITION_CHARACTERS_MAX = 2000;

const keysOf = <T extends string>(table: Readonly<Record<T, unknown>>) => Object.keys(table) as [T, ...T[]];
const name = (what: string) =>
  z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, `${what} is 1 to 64 of a-z 0-9 -, beginning with a letter or digit`);

const duration = z
  .string()
  .refine((text) => microsOf(text) !== undefined, 'must be a duration, as 90s, 15m, 24h or 30d');
/** Windows have 60 buckets of whole seconds. */
const window = z
  .string()
  .refine(
    (text) => microsOf(text) !== undefined && !text.endsWith('s'),
    'must be a window of whole minutes, hours or days, as 15m, 24h or 30d',
  );
const decimal = z.string({ error: 'must be an amount in quotes, as "1000.00"' });
const amounts = z
  .record(z.string(), decimal)
  .superRefine((values, context) => {
    for (const [currency, text] of Object.entries(values)) {
      const isCurrency = currencyOfAlphabetic(currency)?.minorUnits !== undefined;
      if (!isCurrency)
        context.addIssue({ code: 'custom', path: [currency], message: 'must be an ISO 4217 currency, as CNY' });
      else if (minorUnitsOf(text, currency) === undefined) {
        context.addIssue({
          code: 'custom',
          path: [currency],
          message: `must be an amount of ${currency}, as "1000.00"`,
        });
      }
    }
  })
  .refine((values) => Object.keys(values).length > 0, 'must name a currency');
type AmountTexts = Readonly<Record<string, string>>;
type Range = { readonly from?: AmountTexts | undefined; readonly below?: AmountTexts | undefined };
const count = z.int().min(0).max(1_000_000);
const subject = z.enum(keysOf<SubjectName>(Subjects));
const by = z
  .union([subject, z.tuple([subject, subject])], { error: `must be one or two of ${Object.keys(Subjects).join(', ')}` })
  .refine((keys) => !Array.isArray(keys) || keys[0] !== keys[1], 'must be two different ones');
const counts = z.enum(keysOf<CountedName>(Counted)).default('payments');
const MCC_FORM = 'must be a category or a range in quotes, as "7995" or "5960-5969"';
const mccs = z
  .array(
    z
      .string({ error: MCC_FORM })
      .regex(/^[0-9]{4}(-[0-9]{4})?$/, MCC_FORM)
      .refine((text) => text.length === 4 || text.slice(0, 4) <= text.slice(5), 'must have the lower category first'),
  )
  .min(1)
  .max(200);
const countries = z
  .array(z.string().regex(/^[A-Z]{2}$/, 'must be ISO 3166-1 alpha-2, as CN'))
  .min(1)
  .max(250);
const time = z
  .string()
  .refine((text) => minuteOfDay(text) !== undefined, 'must be a time of day in quotes, as "23:00"');

const common = {
  id: name('an id'),
  outcome: z.enum(OUTCOME_NAMES),
  /** Whether a rule that approves, or an exemption of the payer, can overrule it. */
  overridable: z.boolean().default(true),
  /** A shadow rule is noted and changes nothing. */
  mode: z.enum(['live', 'shadow']).default('live'),
  /** Absent = all. */
  channels: z
    .array(z.enum(keysOf<ChannelName>(Channels)))
    .min(1)
    .optional(),
  /** For the customer and the desk. */
  reason: z.strictObject({ en: z.string().min(1).max(256), zh: z.string().min(1).max(256) }),
};

const measured = z.strictObject({
  measure: z.enum(['count', 'sum', 'max', 'distinct']),
  by,
  /** Of `distinct`. */
  of: subject.optional(),
  /** Of `distinct`: exact to here. */
  upTo: z.int().min(1).max(DISTINCT_MAX).optional(),
  window,
  counts,
  /** With several partitions: not two payments that are decided at the same time can both stay within it. */
  exact: z.boolean().optional(),
});
export type MeasuredFeature = z.output<typeof measured>;

/** What a measure and its fields must have to do with each other: by field, what is wrong. */
function mismatches(measured: Omit<MeasuredFeature, 'window' | 'upTo'>): Record<string, string> {
  const { measure, by, of } = measured;
  if ((measure === 'distinct') !== (of !== undefined))
    return { of: 'goes with the measure distinct, and only with it' };
  const keys = typeof by === 'string' ? [by] : by;
  if (measured.exact === true && keys.includes('payer')) {
    return { exact: 'is for other keys than the payer: by payer everything is exact' };
  }
  if (measured.exact === true && measured.counts !== 'payments') return { exact: 'is for counts of payments' };
  return of !== undefined && keys.includes(of) ? { of: 'must be another than by: of each there is only one' } : {};
}

/** Of conditions. */
const namedFeature = measured.superRefine((feature, context) => {
  const wrong = mismatches(feature);
  if (feature.upTo !== undefined && feature.measure !== 'distinct') wrong.upTo = 'goes with the measure distinct';
  for (const [path, message] of Object.entries(wrong)) context.addIssue({ code: 'custom', path: [path], message });
});

const tiers = z.strictObject({
  0: amounts.optional(),
  1: amounts.optional(),
  2: amounts.optional(),
  3: amounts.optional(),
});
const codeTiers = z.strictObject({
  A: amounts.optional(),
  B: amounts.optional(),
  C: amounts.optional(),
  D: amounts.optional(),
});

/** Whether no amount of some currency, or of any, is in it. */
function isEmptyRange({ from = {}, below = {} }: Range): boolean {
  const currencies = Object.keys({ ...from, ...below });
  const minor = (amounts: AmountTexts, currency: string) => minorUnitsOf(amounts[currency] ?? '', currency);
  const isEmpty = (currency: string) =>
    (minor(from, currency) ?? 0) >= (minor(below, currency) ?? Number.MAX_SAFE_INTEGER);
  return currencies.length === 0 || currencies.some(isEmpty);
}

const rule = z.discriminatedUnion('kind', [
  z
    .strictObject({
      ...common,
      kind: z.literal('limit'),
      per: z.enum(['payment', 'day', 'month', 'year']),
      tiers: tiers.optional(),
      codeTiers: codeTiers.optional(),
    })
    .refine(({ tiers: a, codeTiers: b }) => (a === undefined) !== (b === undefined), 'needs either tiers or codeTiers')
    .refine(
      ({ tiers: a, codeTiers: b }) => [a, b].every((by) => by === undefined || Object.keys(by).length > 0),
      'needs a tier',
    ),
  z
    .strictObject({
      ...common,
      ...measured.omit({ upTo: true }).shape,
      kind: z.literal('velocity'),
      above: z.union([count, amounts], { error: 'must be a number, or an amount by currency' }),
      amounts: z.strictObject({ from: amounts.optional(), below: amounts.optional() }).optional(),
    })
    .superRefine((checked, context) => {
      const { measure, above, amounts: range } = checked;
      const wantsAmounts = measure === 'sum' || measure === 'max';
      const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
      if (wantsAmounts !== (typeof above === 'object')) {
        issue(
          'above',
          wantsAmounts ? `of a ${measure} must be an amount by currency` : `of a ${measure} must be a number`,
        );
      }
      for (const [path, message] of Object.entries(mismatches(checked))) issue(path, message);
      if (range !== undefined && isEmptyRange(range)) issue('amounts', 'must name from or below, from being lower');
      if (measure === 'distinct' && typeof above === 'number' && (above < 1 || above > DISTINCT_MAX)) {
        issue('above', `of distinct must be 1 to ${DISTINCT_MAX}`);
      }
    }),
  z
    .strictObject({ ...common, kind: z.literal('mcc'), block: mccs.optional(), allow: mccs.optional() })
    .refine(({ block, allow }) => (block === undefined) !== (allow === undefined), 'needs either block or allow'),
  z
    .strictObject({ ...common, kind: z.literal('country'), block: countries.optional(), allow: countries.optional() })
    .refine(({ block, allow }) => (block === undefined) !== (allow === undefined), 'needs either block or allow'),
  z.strictObject({ ...common, kind: z.literal('list'), list: name('a list'), of: subject }),
  z.strictObject({ ...common, kind: z.literal('new_payee'), within: duration.optional(), above: amounts }),
  z.strictObject({ ...common, kind: z.literal('new_device'), within: duration.optional(), above: amounts }),
  z.strictObject({ ...common, kind: z.literal('travel'), aboveKmh: z.int().min(1).max(100_000) }),
  z.strictObject({
    ...common,
    kind: z.literal('structuring'),
    below: amounts,
    percent: z.int().min(1).max(50),
    window,
    atLeast: z.int().min(2).max(1000),
  }),
  z.strictObject({ ...common, kind: z.literal('dormant'), after: duration, above: amounts }),
  z.strictObject({
    ...common,
    kind: z.literal('fan_in'),
    window,
    above: z.int().min(1).max(DISTINCT_MAX),
    exact: measured.shape.exact,
  }),
  z.strictObject({ ...common, kind: z.literal('fan_out'), window, above: z.int().min(1).max(DISTINCT_MAX) }),
  z.strictObject({
    ...common,
    kind: z.literal('failed_authentication'),
    by: z.enum(['payer', 'device']).default('payer'),
    window,
    above: count,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('cool_down'),
    after: z.enum(['bound', 'rebound']),
    for: duration,
    above: amounts,
  }),
  z
    .strictObject({ ...common, kind: z.literal('night'), from: time, to: time, above: amounts })
    .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must be another time than from' }),
  z.strictObject({ ...common, kind: z.literal('cel'), when: z.string().min(1).max(CONDITION_CHARACTERS_MAX) }),
]);
export type Rule = z.output<typeof rule>;

export const ruleSetSchema = z.strictObject({
  /** How this set is called; whoever makes another gives it another name. */
  version: z.string().min(1).max(64),
  description: z.string().max(1000).default(''),
  /** Where days, months and nights begin. */
  utcOffset: z
    .string()
    .refine((text) => offsetMinutesOf(text) !== undefined, 'must be an offset from UTC in quotes, as "+08:00"')
    .default('+00:00'),
  /** For conditions: by the name under which these know them. */
  features: z
    .record(
      z.string().regex(/^[a-z][A-Za-z0-9]{0,63}$/, 'must be a name of letters and digits, a small letter first'),
      namedFeature,
    )
    .default({})
    .refine((features) => Object.keys(features).length <= FEATURES_MAX, `must be at most ${FEATURES_MAX}`),
  rules: z.array(rule).max(RULES_MAX),
});
export type RuleSet = z.output<typeof ruleSetSchema>;
