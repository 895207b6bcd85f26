/** Features computed from a list of everything that was counted, straight from their definition. */
import type { CountedName, Facts, SubjectName } from '../../../engine/risk/facts.ts';
import { Subjects } from '../../../engine/risk/facts.ts';
import { BUCKETS_PER_WINDOW, type FeatureDefinition } from '../../../engine/risk/feature.ts';

interface Past {
  readonly facts: Facts;
  readonly counted: CountedName;
}

export class NaiveFeatures {
  readonly #past: Past[] = [];

  count(facts: Facts, counted: CountedName): void {
    this.#past.push({ facts: copyOf(facts), counted });
  }

  value(definition: FeatureDefinition, facts: Facts): number {
    const { measure, by, counts } = definition;
    const isKnown = by.every((subject) => key(facts, subject) !== '0,0,0,0');
    const isOfChannel = definition.channels === undefined || (definition.channels & (1 << facts.channel)) !== 0;
    if (!isKnown || !isOfChannel) return measure === 'last' ? -1 : 0;
    const addsAmounts = measure === 'sum' || measure === 'max';
    const hasAccount = by.some((subject) => ['payer', 'payee', 'merchant'].includes(subject));
    const same = this.#past.filter(
      ({ facts: other, counted }) =>
        counted === counts &&
        by.every((subject) => key(other, subject) === key(facts, subject)) &&
        (!addsAmounts || hasAccount || other.ledger === facts.ledger) &&
        passes(definition, other),
    );
    const includesThis = counts === 'payments' && passes(definition, facts);
    switch (measure) {
      case 'last':
        return same.length === 0 ? -1 : facts.now - same.at(-1)!.facts.now;
      case 'speed': {
        const placed = same.filter(({ facts: other }) => other.hasLocation).at(-1);
        return placed === undefined || !facts.hasLocation ? 0 : speed(placed.facts, facts);
      }
      default: {
        const counted = same.map((past) => past.facts).filter((other) => isIn(definition, other.now, facts.now));
        return fold(definition, includesThis ? [...counted, facts] : counted);
      }
    }
  }
}

function fold({ measure, of, upTo }: FeatureDefinition, all: readonly Facts[]): number {
  if (measure === 'count') return all.length;
  if (measure === 'sum') return all.reduce((sum, { amount }) => sum + amount, 0);
  if (measure === 'max') return all.reduce((most, { amount }) => Math.max(most, amount), 0);
  const members = new Set(all.map((facts) => key(facts, of!)).filter((member) => member !== '0,0,0,0'));
  return Math.min(members.size, upTo! + 1);
}

function isIn({ window }: FeatureDefinition, then: number, now: number): boolean {
  if (window.kind === 'sliding') {
    const width = window.micros / BUCKETS_PER_WINDOW;
    return Math.floor(then / width) > Math.floor(now / width) - BUCKETS_PER_WINDOW;
  }
  if (window.kind === 'always') return true;
  const text = (time: number): string =>
    new Date(time / 1000 + window.utcOffsetMinutes * 60_000)
      .toISOString()
      .slice(0, { day: 10, month: 7, year: 4 }[window.period]);
  return text(then) === text(now);
}

function passes({ channels, amounts }: FeatureDefinition, { channel, ledger, amount }: Facts): boolean {
  if (channels !== undefined && (channels & (1 << channel)) === 0) return false;
  return (
    amounts === undefined ||
    amounts.some((range) => range.ledger === ledger && amount >= range.from && amount < range.below)
  );
}

/** Spherical law of cosines: another formula than the engine's. */
function speed(from: Facts, to: Facts): number {
  const radians = (micro: number): number => (micro / 1e6 / 180) * Math.PI;
  const cosine =
    Math.sin(radians(from.latitude)) * Math.sin(radians(to.latitude)) +
    Math.cos(radians(from.latitude)) *
      Math.cos(radians(to.latitude)) *
      Math.cos(radians(to.longitude - from.longitude));
  const km = Math.floor(6371.0088 * Math.acos(Math.max(-1, Math.min(1, cosine))));
  if (km < 1) return 0;
  return to.now === from.now ? 1e6 : Math.min(1e6, Math.floor(km / ((to.now - from.now) / 3.6e9)));
}

function key({ subjects }: Facts, subject: SubjectName): string {
  return subjects.subarray(Subjects[subject] * 4, Subjects[subject] * 4 + 4).join();
}

export function copyOf(facts: Facts): Facts {
  return { ...facts, subjects: facts.subjects.slice() };
}
