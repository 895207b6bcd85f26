import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ADMISSION_RESULTS } from '../../protocol/results/admission-results.ts';
import { FRAME_RESULTS } from '../../protocol/results/frame-results.ts';
import { IDEMPOTENCY_RESULTS } from '../../protocol/results/idempotency-results.ts';
import { INTERNAL_RESULTS } from '../../protocol/results/internal-results.ts';
import { LEDGER_RESULTS } from '../../protocol/results/ledger-results.ts';
import { ORDER_RESULTS } from '../../protocol/results/order-results.ts';
import { OUTBOX_RESULTS } from '../../protocol/results/outbox-results.ts';
import { PARTY_RESULTS } from '../../protocol/results/party-results.ts';
import { PAYER_CODE_RESULTS } from '../../protocol/results/payer-code-results.ts';
import { PAYMENT_RESULTS } from '../../protocol/results/payment-results.ts';
import { CARD_RESULTS } from '../../protocol/results/card-results.ts';
import { REGISTRY_RESULTS } from '../../protocol/results/registry-results.ts';
import { RISK_RESULTS } from '../../protocol/results/risk-results.ts';
import { SHAPE_RESULTS } from '../../protocol/results/shape-results.ts';
import { Code, RESULTS, type ResultName, resultName, resultSpec } from '../../protocol/results.ts';

const BANDS = {
  1: FRAME_RESULTS,
  2: ADMISSION_RESULTS,
  3: SHAPE_RESULTS,
  4: IDEMPOTENCY_RESULTS,
  5: LEDGER_RESULTS,
  6: PAYMENT_RESULTS,
  7: PARTY_RESULTS,
  8: { ...REGISTRY_RESULTS, ...RISK_RESULTS, ...CARD_RESULTS, ...OUTBOX_RESULTS },
  9: INTERNAL_RESULTS,
  10: { ...PAYER_CODE_RESULTS, ...ORDER_RESULTS },
};
const names = Object.keys(RESULTS) as ResultName[];

describe('the table of results', () => {
  it('is the bands together, each number in its band and none twice', () => {
    expect(names.length).toBe(1 + Object.values(BANDS).reduce((sum, band) => sum + Object.keys(band).length, 0));
    for (const [band, rows] of Object.entries(BANDS)) {
      const numbers = Object.values(rows).map((row) => row.code);
      expect(numbers.filter((code) => Math.floor(code / 100) !== Number(band))).toEqual([]);
      expect(numbers, `band ${band} in ascending order`).toEqual([...numbers].sort((a, b) => a - b));
    }
    expect(new Set(names.map((name) => RESULTS[name].code)).size).toBe(names.length);
    expect(Code.ok).toBe(0);
  });

  it.each(names)('%s has all three maps', (name) => {
    const { code, retry, http, de39, en, zh } = RESULTS[name];
    expect(name).toMatch(/^[a-z][a-zA-Z0-9]*$/);
    // What waits for somebody is no error: 202.
    const isWaiting = name === 'challengeRequired' || name === 'paymentHeld';
    expect(code === 0 ? http === 200 : isWaiting ? http === 202 : http >= 400 && http <= 599).toBe(true);
    expect(de39).toMatch(/^[0-9A-Z]{2}$/);
    expect(de39 === '00').toBe(code === 0);
    expect(en).toMatch(/^[A-Z].*\.$/);
    expect(zh).toMatch(/\p{Script=Han}.*。$/u);
    expect(retry === 'later').toBe(http === 429 || http >= 500 || name === 'checksumMismatch');
  });

  it('never gives a number to another name, nor drops one', () => {
    const frozen: Record<string, string> = JSON.parse(
      readFileSync(new URL('./result-numbers.json', import.meta.url), 'utf8'),
    );
    const current = Object.fromEntries(names.map((name) => [RESULTS[name].code, name]));
    expect(current, 'a new result is added to result-numbers.json; no line there ever changes').toEqual(frozen);
  });

  it('finds rows by number, and takes an unknown number for an internal error', () => {
    for (const name of names) expect(resultName(RESULTS[name].code)).toBe(name);
    expect(resultName(999)).toBeUndefined();
    expect(resultSpec(999)).toBe(RESULTS.internalError);
    expect(resultSpec(604)).toBe(RESULTS.insufficientFunds);
  });
});
