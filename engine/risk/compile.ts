/**
 * From a checked rule set to functions over numbers. Pure: the same set gives the same rules and the same features, in the same
 * order. What only shows itself here (a condition of the wrong type, too many features) is told as mistakes.
 */
import { Channels } from '../../protocol/risk.ts';
import type { RuleMistake } from './check-rule-set.ts';
import { Conditions } from './conditions.ts';
import { FEATURES_MAX } from './decision.ts';
import type { FeatureValues, ListLookup } from './evaluate.ts';
import { type Facts, Subjects } from './facts.ts';
import type { FeatureDefinition, FeatureWindow } from './feature.ts';
import { type MeasuredFeature, OUTCOME_NAMES, type Rule, type RuleSet } from './rule-set.ts';
import { AmountLimits, amountsByLedger, localMinute, microsOf, minuteOfDay, offsetMinutesOf } from './units.ts';

/** Asks for features last: what no rule asks for is not read. */
export type RuleTest = (facts: Facts, features: FeatureValues, lists: ListLookup) => boolean;

export interface CompiledRule {
  readonly id: string;
  /** One bit for each Channels value. */
  readonly channels: number;
  readonly isShadow: boolean;
  /** An Outcomes value. */
  readonly outcome: number;
  readonly overridable: boolean;
  readonly hits: RuleTest;
}

export interface CompiledRules {
  /** Each once, in the order in which rules first ask for them. */
  readonly features: readonly FeatureDefinition[];
  readonly rules: readonly CompiledRule[];
  /** By Channels value: places of the rules that apply to it. */
  readonly byChannel: readonly Uint16Array[];
  readonly mistakes: readonly RuleMistake[];
}

const MICROS_PER_MINUTE = 60_000_000;
const ALL_CHANNELS = 0xffff_ffff;
/** ISO 18245: four digits. */
const CATEGORIES = 10_000;
const CODE_TIERS = ['', 'A', 'B', 'C', 'D'] as const;

export function compile(ruleSet: RuleSet): CompiledRules {
  const { rules, features } = ruleSet;
  const needed = new Features(ruleSet);
  const named = Object.entries(features).map(([name, feature]) => ({ name, place: needed.measured(feature, {}) }));
  const conditions = new Conditions(named, needed.utcOffsetMinutes);
  const mistakes: RuleMistake[] = [...conditions.mistakes];
  const compiled = rules.map((rule, index): CompiledRule => {
    const { id, mode, outcome, overridable } = rule;
    return {
      id,
      channels: channelBits(rule),
      isShadow: mode === 'shadow',
      outcome: OUTCOME_NAMES.indexOf(outcome),
      overridable,
      hits: testOf(rule, needed, (text) => {
        const condition = conditions.compile(text);
        if (typeof condition === 'function') return condition;
        const { problem: message, offset } = condition;
        mistakes.push({ path: ['rules', index, 'when'], message, offset });
        return () => false;
      }),
    };
  });
  if (needed.definitions.length > FEATURES_MAX) {
    const message = `the rules ask for ${needed.definitions.length} features; at most ${FEATURES_MAX} are kept`;
    mistakes.push({ path: ['rules'], message });
  }
  return { features: needed.definitions, rules: compiled, byChannel: rulesByChannel(compiled), mistakes };
}

/** Places of the rules that apply to each channel, by Channels value. */
export function rulesByChannel(rules: readonly CompiledRule[]): Uint16Array[] {
  return Object.values(Channels).map((channel) =>
    Uint16Array.from(rules.keys()).filter((rule) => ((rules[rule]?.channels ?? 0) & (1 << channel)) !== 0),
  );
}

function channelBits({ channels }: Rule): number {
  return channels?.reduce((bits, name) => bits | (1 << Channels[name]), 0) ?? ALL_CHANNELS;
}

/** The features that rules ask for; each gets one place, whoever asks. */
class Features {
  readonly definitions: FeatureDefinition[] = [];
  readonly utcOffsetMinutes: number;
  readonly #places = new Map<string, number>();

  constructor({ utcOffset }: RuleSet) {
    this.utcOffsetMinutes = offsetMinutesOf(utcOffset) ?? 0;
  }

  /** Place of the feature in the values. It is read exactly when one that asks for it wants that. */
  place(definition: Omit<FeatureDefinition, 'name'>): number {
    const name = nameOf(definition);
    const known = this.#places.get(name);
    if (known !== undefined) {
      if (definition.exact === true) this.definitions[known] = { name, ...definition };
      return known;
    }
    this.definitions.push({ name, ...definition });
    this.#places.set(name, this.definitions.length - 1);
    return this.definitions.length - 1;
  }

  measured(feature: MeasuredFeature, filters: Pick<FeatureDefinition, 'channels' | 'amounts'>): number {
    const { measure, by, of, upTo, counts, exact } = feature;
    return this.place({
      measure,
      by: typeof by === 'string' ? [by] : by,
      ...(of === undefined ? {} : { of, upTo: upTo ?? 64 }),
      counts,
      window: sliding(feature.window),
      ...filters,
      ...(exact === true ? { exact } : {}),
    });
  }
}

function sliding(text: string): FeatureWindow {
  return { kind: 'sliding', micros: microsOf(text) ?? MICROS_PER_MINUTE };
}

/** Two features of one name are the same: everything that tells them apart is in it. */
function nameOf(definition: Omit<FeatureDefinition, 'name'>): string {
  const { measure, by, of, upTo, counts, window, channels, amounts } = definition;
  const span =
    window.kind === 'sliding'
      ? `${window.micros / MICROS_PER_MINUTE}m`
      : window.kind === 'calendar'
        ? `${window.period}${window.utcOffsetMinutes < 0 ? '' : '+'}${window.utcOffsetMinutes}`
        : 'always';
  const ranges = amounts?.map(({ ledger, from, below }) => `${ledger}:${from}-${below}`).join(' ');
  return [
    of === undefined ? measure : `${measure} ${of} to ${upTo}`,
    `of ${counts} by ${by.join('+')}, ${span}`,
    channels === undefined ? '' : `, channels ${channels.toString(16)}`,
    ranges === undefined ? '' : `, amounts ${ranges}`,
  ].reduce((text, part, index) => (index === 1 ? `${text} ${part}` : text + part));
}

function testOf(rule: Rule, features: Features, compileCondition: (text: string) => RuleTest): RuleTest {
  const filter = rule.channels === undefined ? {} : { channels: channelBits(rule) };
  switch (rule.kind) {
    case 'limit':
      return limitTest(rule, features, filter);
    case 'velocity':
      return velocityTest(rule, features, filter);
    case 'mcc': {
      const listed = categories(rule.block ?? rule.allow ?? []);
      const blocks = rule.block !== undefined;
      return ({ mcc }) => mcc !== 0 && (listed[mcc] === 1) === blocks;
    }
    case 'country': {
      const listed = new Set(
        (rule.block ?? rule.allow ?? []).map((code) => (code.charCodeAt(0) << 8) | code.charCodeAt(1)),
      );
      const blocks = rule.block !== undefined;
      return ({ country }) => country !== 0 && listed.has(country) === blocks;
    }
    case 'list': {
      const { list, of } = rule;
      const at = Subjects[of] * 4;
      return (facts, _features, lists) => isKnown(facts, of) && lists.has(list, facts.subjects, at);
    }
    case 'new_payee':
    case 'new_device': {
      const other = rule.kind === 'new_payee' ? 'payee' : 'device';
      const last = features.place({ measure: 'last', by: ['payer', other], counts: 'payments', window: ALWAYS });
      const isAbove = aboveTest(rule.above);
      const within = rule.within === undefined ? Number.POSITIVE_INFINITY : (microsOf(rule.within) ?? 0);
      return (facts, values) => {
        if (!isAbove(facts) || !isKnown(facts, other)) return false;
        const since = values.get(last);
        return since === -1 || since > within;
      };
    }
    case 'travel': {
      const speed = features.place({ measure: 'speed', by: ['payer'], counts: 'payments', window: ALWAYS });
      return (facts, values) => facts.hasLocation && values.get(speed) > rule.aboveKmh;
    }
    case 'structuring': {
      const { percent, atLeast } = rule;
      const bands = [...amountsByLedger(rule.below)].map(([ledger, below]) => {
        // In whole numbers of any size: a hundred times a large amount is not exact otherwise.
        return { ledger, from: Number((BigInt(below) * BigInt(100 - percent) + 99n) / 100n), below };
      });
      const count = features.place({
        ...{ measure: 'count', by: ['payer'], counts: 'payments', window: sliding(rule.window), ...filter },
        amounts: bands,
      });
      const isInBand = ({ ledger, amount }: Facts) =>
        bands.some((band) => band.ledger === ledger && amount >= band.from && amount < band.below);
      return (facts, values) => isInBand(facts) && values.get(count) >= atLeast;
    }
    case 'dormant': {
      const last = features.place({ measure: 'last', by: ['payer'], counts: 'payments', window: ALWAYS });
      const after = microsOf(rule.after) ?? 0;
      const isAbove = aboveTest(rule.above);
      return (facts, values) => isAbove(facts) && values.get(last) > after;
    }
    case 'fan_in':
    case 'fan_out': {
      const [by, of] = rule.kind === 'fan_in' ? (['payee', 'payer'] as const) : (['payer', 'payee'] as const);
      const { above } = rule;
      const isExact = rule.kind === 'fan_in' && rule.exact === true;
      const distinct = features.place({
        ...{ measure: 'distinct', by: [by], of, upTo: above, counts: 'payments', window: sliding(rule.window) },
        ...filter,
        ...(isExact ? { exact: true } : {}),
      });
      return (_facts, values) => values.get(distinct) > above;
    }
    case 'failed_authentication': {
      const { by, above } = rule;
      const count = features.place({
        ...{ measure: 'count', by: [by], counts: 'authenticationFailed', window: sliding(rule.window) },
      });
      return (_facts, values) => values.get(count) > above;
    }
    case 'cool_down': {
      const last = features.place({ measure: 'last', by: ['payer'], counts: rule.after, window: ALWAYS });
      const until = microsOf(rule.for) ?? 0;
      const isAbove = aboveTest(rule.above);
      return (facts, values) => {
        if (!isAbove(facts)) return false;
        const since = values.get(last);
        return since >= 0 && since < until;
      };
    }
    case 'night': {
      const from = minuteOfDay(rule.from) ?? 0;
      const to = minuteOfDay(rule.to) ?? 0;
      const isAbove = aboveTest(rule.above);
      return (facts) => {
        const minute = localMinute(facts.now, features.utcOffsetMinutes);
        const isNight = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
        return isNight && isAbove(facts);
      };
    }
    case 'cel':
      return compileCondition(rule.when);
  }
}

/** One for each merchant category in the ranges, as \`7800-7802\` and \`7995\`. */
function categories(ranges: readonly string[]): Uint8Array {
  const listed = new Uint8Array(CATEGORIES);
  for (const text of ranges) {
    const [from = 0, to = from] = text.split('-').map(Number);
    listed.fill(1, from, to + 1);
  }
  return listed;
}

const ALWAYS: FeatureWindow = { kind: 'always' };

/** Whether the amount is above what is named for its currency; a currency that is not named never is. */
function aboveTest(amounts: Readonly<Record<string, string>>): (facts: Facts) => boolean {
  const limits = new AmountLimits(amounts);
  return ({ ledger, amount }) => amount > limits.of(ledger);
}

function isKnown({ subjects }: Facts, name: keyof typeof Subjects): boolean {
  const at = Subjects[name] * 4;
  return subjects[at] !== 0 || subjects[at + 1] !== 0 || subjects[at + 2] !== 0 || subjects[at + 3] !== 0;
}

function limitTest(
  rule: Extract<Rule, { kind: 'limit' }>,
  features: Features,
  filter: Pick<FeatureDefinition, 'channels'>,
): RuleTest {
  const { per, tiers, codeTiers } = rule;
  const byTier =
    tiers === undefined
      ? CODE_TIERS.map((tier) => (tier === '' ? undefined : codeTiers?.[tier]))
      : [tiers[0], tiers[1], tiers[2], tiers[3]];
  const limits = byTier.map((amounts) => new AmountLimits(amounts ?? {}));
  const isByCode = tiers === undefined;
  const limitOf = ({ tier, codeTier, ledger }: Facts): number =>
    limits[isByCode ? codeTier : tier]?.of(ledger) ?? Number.POSITIVE_INFINITY;
  if (per === 'payment') return (facts) => facts.amount > limitOf(facts);
  const sum = features.place({
    measure: 'sum',
    by: ['payer'],
    counts: 'payments',
    window: { kind: 'calendar', period: per, utcOffsetMinutes: features.utcOffsetMinutes },
    // Payments by barcode have a channel of their own.
    ...(isByCode && filter.channels === undefined ? { channels: 1 << Channels.qr } : filter),
  });
  return (facts, values) => {
    const limit = limitOf(facts);
    return limit !== Number.POSITIVE_INFINITY && values.get(sum) > limit;
  };
}

function velocityTest(
  rule: Extract<Rule, { kind: 'velocity' }>,
  features: Features,
  filter: Pick<FeatureDefinition, 'channels'>,
): RuleTest {
  const { above, measure, amounts } = rule;
  const ranges = amounts === undefined ? {} : { amounts: rangesOf(amounts) };
  const upTo = measure === 'distinct' && typeof above === 'number' ? { upTo: above } : {};
  const place = features.measured({ ...rule, ...upTo }, { ...filter, ...ranges });
  if (typeof above === 'number') return (_facts, values) => values.get(place) > above;
  const limits = new AmountLimits(above);
  return ({ ledger }, values) => {
    const limit = limits.of(ledger);
    return limit !== Number.POSITIVE_INFINITY && values.get(place) > limit;
  };
}

function rangesOf(amounts: {
  readonly from?: Readonly<Record<string, string>> | undefined;
  readonly below?: Readonly<Record<string, string>> | undefined;
}): NonNullable<FeatureDefinition['amounts']> {
  const from = amountsByLedger(amounts.from ?? {});
  const below = amountsByLedger(amounts.below ?? {});
  return [...new Set([...from.keys(), ...below.keys()])]
    .sort((a, b) => a - b)
    .map((ledger) => ({
      ledger,
      from: from.get(ledger) ?? 0,
      below: below.get(ledger) ?? Number.MAX_SAFE_INTEGER,
    }));
}
