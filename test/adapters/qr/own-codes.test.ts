// The switch's own codes: what an order and a counter show is read as what it was made of.
import { describe, expect, it } from 'vitest';
import { decodeQr, type QrCode } from '../../../adapters/qr/codec/decode.ts';
import { consumerCode, counterCode, orderCode, readOwnCode, readPayerCode } from '../../../adapters/qr/own-codes.ts';
import { checkDigitOf } from '../../../protocol/check-digit.ts';
import type { StoredOrder } from '../../../protocol/registry-bodies.ts';

const SHOP = { handle: 'teahouse', name: 'Old Tea House', city: 'SHANGHAI', country: 'CN', mcc: 5814 };
const ORDER: StoredOrder = {
  ...{ id: '5a0f5f0c7d1e4a6f9c3b2a1908172635', institution: 2, handle: 'teahouse', ledger: 156, number: 'T-4711' },
  ...{ accountId: '01930000000070008000000000000b01', amount: 1250, title: '龙井', state: 'open', expiresAt: 9 },
  ...{ createdAt: 1, updatedAt: 1 },
};

function read(code: ReturnType<typeof counterCode>): QrCode {
  if (!code.ok) throw new Error(code.error.message);
  const decoded = decodeQr(code.value);
  if (!decoded.ok) throw new Error(decoded.error.message);
  return decoded.value;
}

describe('the code of an order', () => {
  it('is dynamic, has its amount and number, and stands for it', () => {
    const code = read(orderCode(SHOP, ORDER));
    expect(code).toMatchObject({ profile: 'sluice', pointOfInitiation: 'dynamic', amount: '12.50', currency: '156' });
    expect(code).toMatchObject({ merchantName: 'Old Tea House', merchantCity: 'SHANGHAI', mcc: '5814', tip: null });
    expect(readOwnCode(code)).toEqual({ kind: 'order', id: ORDER.id });
  });

  it.each([
    [{ kind: 'ask', value: 0 }, { kind: 'prompt' }],
    [
      { kind: 'fixed', value: 150 },
      { kind: 'fixed', amountMinor: 150 },
    ],
    [
      { kind: 'percent', value: 1050 },
      { kind: 'percentage', basisPoints: 1050 },
    ],
  ] as const)('says the tip %j', (tip, said) => {
    expect(read(orderCode(SHOP, { ...ORDER, tip }))).toMatchObject({ tip: said });
  });

  it('has an amount without decimals where the currency has none', () => {
    expect(read(orderCode(SHOP, { ...ORDER, ledger: 392 }))).toMatchObject({ amount: '1250', currency: '392' });
  });
});

describe('the code of a counter', () => {
  it('is static, leaves the amount to the payer, and stands for it', () => {
    const code = read(counterCode(SHOP, { counter: 'till-1' }, 344));
    expect(code).toMatchObject({ profile: 'sluice', pointOfInitiation: 'static', amount: null, currency: '344' });
    const counter = { kind: 'counter', handle: 'teahouse', counter: 'till-1', ledger: 344, amount: null };
    expect(readOwnCode(code)).toEqual(counter);
  });

  it('has the handle where there is no name, and as much of a name as there is room for', () => {
    const named = (name: string) => read(counterCode({ ...SHOP, name, mcc: 0 }, { counter: 'main' }, 156));
    expect(named('')).toMatchObject({ merchantName: 'teahouse', mcc: '0000' });
    expect(named('茶'.repeat(30))).toMatchObject({ merchantName: '茶'.repeat(25) });
  });

  it('is refused where no code can say it', () => {
    expect(counterCode({ ...SHOP, city: '' }, { counter: 'main' }, 156).ok).toBe(false);
  });
});

describe('the code of a payer', () => {
  const digits = `88012345678901234${checkDigitOf('88012345678901234')}`;

  it('is read from its digits, and from the consumer-presented code that has them', () => {
    const consumer = consumerCode(digits);
    if (!consumer.ok) throw new Error(consumer.error.message);
    expect(consumer.value).toMatch(/^hQVDUFY/);
    for (const text of [digits, consumer.value]) {
      const decoded = decodeQr(text);
      expect(decoded.ok && readPayerCode(decoded.value)).toBe(digits);
    }
  });

  it.each(['134567890123456789', 'hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8='])('is not that of %s', (text) => {
    const decoded = decodeQr(text);
    expect(decoded.ok && readPayerCode(decoded.value)).toBeUndefined();
  });
});

describe('a code of somebody else', () => {
  it.each([
    '00020101021129370016A000000677010111011300668012345675802TH530376463046197',
    '134567890123456789',
    'upi://pay?pa=chai@bank&pn=Chai&am=20.00',
  ])('is none of ours: %s', (payload) => {
    const decoded = decodeQr(payload);
    expect(decoded.ok && readOwnCode(decoded.value)).toBeUndefined();
  });
});
