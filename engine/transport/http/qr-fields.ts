/** What orders and counters have in common: tips, places, the circumstances of a payment, and its outcome. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import type { PayOrderBody, RegistryReply, StoredOrder } from '../../../protocol/registry-bodies.ts';
import * as fields from './fields.ts';
import { answer, type Outcome, type Problem, problem } from './outcome.ts';
import { riskContext, riskSubject } from './risk-context.ts';
import * as views from './views.ts';

export const MICRODEGREES = 1_000_000;
const PATTERNS = { number: /^[A-Za-z0-9._-]{1,25}$/, counter: /^[a-z0-9][a-z0-9-]{0,19}$/ };

export function named(kind: keyof typeof PATTERNS, description: string) {
  const pattern = PATTERNS[kind];
  return fields.field({ type: 'string', pattern: pattern.source, description }, (value) =>
    typeof value === 'string' && pattern.test(value) ? value : new fields.Fault(`must match ${pattern.source}`),
  );
}

export const tip = z
  .union([
    z.strictObject({ kind: z.literal('ask') }),
    z.strictObject({ kind: z.literal('fixed'), amount: fields.amount }),
    z.strictObject({ kind: z.literal('percent'), hundredths: fields.whole(0, 10_000, 'Hundredths of a percent.') }),
  ])
  .meta({ description: 'What the payer adds: as he likes, a fixed amount, or a share (halves are rounded up).' });
type Tip = z.infer<typeof tip>;
export const tipShape = z.union([
  z.strictObject({ kind: z.literal('ask') }),
  z.strictObject({ kind: z.literal('fixed'), amount: views.amountText }),
  z.strictObject({ kind: z.literal('percent'), hundredths: z.int() }),
]);

export function storedTip(said: Tip | undefined): Pick<StoredOrder, 'tip'> {
  if (said === undefined) return {};
  if (said.kind === 'ask') return { tip: { kind: 'ask', value: 0 } };
  return { tip: { kind: said.kind, value: said.kind === 'fixed' ? Number(said.amount) : said.hundredths } };
}

export function tipView(stored: StoredOrder['tip']): z.infer<typeof tipShape> | null {
  if (stored === undefined) return null;
  if (stored.kind === 'ask') return { kind: 'ask' };
  if (stored.kind === 'fixed') return { kind: 'fixed', amount: String(stored.value) };
  return { kind: 'percent', hundredths: stored.value };
}

export const place = z.strictObject({ latitude: fields.degrees(90, 'North'), longitude: fields.degrees(180, 'East') });
type Place = z.infer<typeof place>;

export function microdegrees({ latitude, longitude }: Place) {
  return { latitude: Math.round(latitude * MICRODEGREES), longitude: Math.round(longitude * MICRODEGREES) };
}

export const risk = riskContext.pick({ device: true, ip: true, country: true, codeTier: true, location: true });

export function riskBody(said: z.infer<typeof risk> | undefined): {
  readonly risk?: NonNullable<PayOrderBody['risk']>;
} {
  if (said === undefined) return {};
  const { device, ip, country, codeTier, location } = said;
  return {
    risk: {
      ...(device === undefined ? {} : { device: formatId(riskSubject('device', device)) }),
      ...(ip === undefined ? {} : { ip: formatId(riskSubject('ip', ip)) }),
      ...(country === undefined ? {} : { country }),
      ...(codeTier === undefined ? {} : { codeTier }),
      ...(location === undefined ? {} : { place: microdegrees(location) }),
    },
  };
}

export const paymentShape = z.strictObject({ id: views.idText, state: z.string() });
export const PAYMENT_EXAMPLE = { id: '0190a5e0c0de7000800000000000c33e', state: 'captured' };
export const tipPaid = fields.amount.clone().meta({
  type: ['string', 'integer'],
  description: 'What the payer adds, as the code asks for it; 0 when left out.',
});

export function paymentAnswer(reply: RegistryReply | Problem): Outcome {
  if ('kind' in reply) return reply;
  return reply.payment === undefined ? problem('internalError') : answer(reply.payment);
}
