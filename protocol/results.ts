/**
 * The one table of results. Numbers are never reused; a band of a hundred is a stage of the pipeline and a file of
 * `results/`.
 */
import { ADMISSION_RESULTS } from './results/admission-results.ts';
import { CARD_RESULTS } from './results/card-results.ts';
import { FRAME_RESULTS } from './results/frame-results.ts';
import { IDEMPOTENCY_RESULTS } from './results/idempotency-results.ts';
import { INTERNAL_RESULTS } from './results/internal-results.ts';
import { LEDGER_RESULTS } from './results/ledger-results.ts';
import { ORDER_RESULTS } from './results/order-results.ts';
import { OUTBOX_RESULTS } from './results/outbox-results.ts';
import { PARTY_RESULTS } from './results/party-results.ts';
import { PAYER_CODE_RESULTS } from './results/payer-code-results.ts';
import { PAYMENT_RESULTS } from './results/payment-results.ts';
import { RISK_RESULTS } from './results/risk-results.ts';
import { REGISTRY_RESULTS } from './results/registry-results.ts';
import { type ResultSpec, type Retry, row } from './results/result-spec.ts';
import { SHAPE_RESULTS } from './results/shape-results.ts';

export type { ResultSpec, Retry };

export const RESULTS = {
  ok: row(0, 'never', 200, '00', 'Done.', '成功。'),
  ...FRAME_RESULTS,
  ...ADMISSION_RESULTS,
  ...SHAPE_RESULTS,
  ...IDEMPOTENCY_RESULTS,
  ...LEDGER_RESULTS,
  ...PAYMENT_RESULTS,
  ...PARTY_RESULTS,
  ...RISK_RESULTS,
  ...REGISTRY_RESULTS,
  ...CARD_RESULTS,
  ...OUTBOX_RESULTS,
  ...INTERNAL_RESULTS,
  ...PAYER_CODE_RESULTS,
  ...ORDER_RESULTS,
} as const satisfies Readonly<Record<string, ResultSpec>>;

export type ResultName = keyof typeof RESULTS;

/** Result codes by name, for code that compares numbers. */
export const Code = Object.fromEntries(Object.entries(RESULTS).map(([name, spec]) => [name, spec.code])) as {
  readonly [K in ResultName]: (typeof RESULTS)[K]['code'];
};

const BY_CODE: ReadonlyMap<number, ResultName> = new Map(
  (Object.keys(RESULTS) as ResultName[]).map((name) => [RESULTS[name].code, name]),
);

/** The name of a result code; undefined for numbers that this version does not know. */
export function resultName(code: number): ResultName | undefined {
  return BY_CODE.get(code);
}

/** The row of a result code; codes of a newer server count as `internalError`. */
export function resultSpec(code: number): ResultSpec {
  return RESULTS[BY_CODE.get(code) ?? 'internalError'];
}
