// Codes that payers show: one payment each, a minute at most, on one device; whatever is tried with one twice, by chance or too late loses.
import { describe, expect, it } from 'vitest';
import { openReply } from '../../../protocol/codecs/frame-codec.ts';
import {
  decodeIssueCodes,
  encodeIssueCodes,
  type PayerCode,
  type PayerCodeInput,
} from '../../../protocol/codecs/payer-code-codec.ts';
import { FRAME_HEADER } from '../../../protocol/frame.ts';
import { writeU128 } from '../../../protocol/layout.ts';
import type { PaymentResult } from '../../../protocol/codecs/payment-codec.ts';
import { checkDigitOf } from '../../../protocol/check-digit.ts';
import { PAYER_CODE, payerCodeToken } from '../../../protocol/payer-codes.ts';
import { AccountFlags } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { cancellationRequest } from '../../../engine/simulate/model/requests.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import { framed, paymentRequest, reply } from '../../support/desk.ts';
import { dryRun } from '../../support/dry-run.ts';
import { expectRecovered } from '../../support/recovered.ts';

const WALLET = 2;
const ACQUIRER = 3;
const PAYER = 100n;
const SHOP = 200n;
const DEVICE = 77n;
const CNY = { ledger: 156, code: 1 };
const TERMS: PayerCodeInput = { accountId: PAYER, device: DEVICE, unconfirmedMax: 1000n, codeTier: 3 };
const RISK = { channel: 'qr' } as const;

let next = 1n;

async function opened(partitions = 1, money = 100_000n): Promise<Bank> {
  const bank = new Bank(partitions);
  const accounts = [{ id: PAYER, flags: AccountFlags.debitsMustNotExceedCredits }, { id: 101n }];
  await bank.accounts(WALLET, ...accounts.map((account) => ({ ...account, ...CNY })));
  await bank.accounts(ACQUIRER, { id: SHOP, ...CNY }, { id: 201n, ledger: 840, code: 1 });
  await bank.accounts(1, { id: 1n, ...CNY });
  if (money > 0n) {
    await bank.transfers(1, { id: 1n, debitAccountId: 1n, creditAccountId: PAYER, amount: money, ...CNY });
  }
  return bank;
}

async function shown(bank: Bank, over: Partial<PayerCodeInput> = {}): Promise<PayerCode> {
  const [issued] = await bank.issueCodes(WALLET, { ...TERMS, ...over });
  expect(issued?.name).toBe('ok');
  return issued!.payerCode!;
}

interface Scan {
  readonly id?: bigint;
  readonly payeeAccountId?: bigint;
  readonly amount?: bigint;
  readonly ledger?: number;
  readonly risk?: object;
}

function scan(bank: Bank, payerCode: bigint, over: Scan = {}): Promise<PaymentResult> {
  const risk = { ...RISK, ...over.risk };
  const payment = { id: over.id ?? next++, payeeAccountId: SHOP, amount: 500n, ...CNY, ...over, risk, payerCode };
  return bank.pay(ACQUIRER, 'sale', payment);
}

describe('a code', () => {
  it('is 18 digits with a check digit, bound to account and device, and pays once', async () => {
    const bank = await opened();
    const code = await shown(bank);
    expect(code.digits).toMatch(/^88\d{16}$/);
    expect(payerCodeToken(code.digits)).toBe(code.token);
    expect(code).toMatchObject({ accountId: PAYER, device: DEVICE, lifetimeS: 60, owner: WALLET, paymentId: 0n });
    const id = next++;
    expect(await scan(bank, code.token, { id })).toMatchObject({ name: 'ok', payment: { state: 'captured' } });
    const [found] = await bank.lookupPayments(ACQUIRER, id);
    expect(found?.view?.payment).toMatchObject({ payerAccountId: PAYER, payerCode: code.token });
    expect((await bank.lookupCodes(WALLET, code.token))[0]?.payerCode?.paymentId).toBe(id);
    expect(await bank.balances(SHOP)).toEqual([0, 0, 0, 500]);
    expectRecovered(bank.partitions);
  });

  it('lives for its lifetime, and no microsecond longer', async () => {
    const bank = await opened();
    for (const [lifetimeS, name] of [
      [60, 'ok'],
      [5, 'ok'],
      [1, 'payerCodeExpired'],
    ] as const) {
      const code = await shown(bank, { lifetimeS });
      bank.now += lifetimeS * 1_000_000 - (name === 'ok' ? 1 : 0);
      expect((await scan(bank, code.token)).name).toBe(name);
    }
  });

  it('is used up by the first payment, also when that fails', async () => {
    const bank = await opened(1, 0n);
    const code = await shown(bank);
    expect((await scan(bank, code.token)).name).toBe('insufficientFunds');
    expect((await scan(bank, code.token)).name).toBe('payerCodeUsed');
    const other = await shown(bank);
    expect((await scan(bank, other.token, { payeeAccountId: 999n })).name).toBe('payeeAccountNotFound');
    expect((await scan(bank, other.token)).name).toBe('payerCodeUsed');
  });

  it('is replaced by the next one of its account and device, and by no other', async () => {
    const bank = await opened();
    const first = await shown(bank);
    const elsewhere = await shown(bank, { device: 78n });
    await shown(bank, { accountId: 101n });
    const second = await shown(bank);
    expect((await scan(bank, first.token)).name).toBe('payerCodeReplaced');
    expect((await scan(bank, elsewhere.token)).name).toBe('ok');
    expect((await scan(bank, second.token)).name).toBe('ok');
    // What was used before does not come to life again.
    expect((await scan(bank, first.token)).name).toBe('payerCodeReplaced');
  });

  it('that nobody has, or that is no code, is declined', async () => {
    const bank = await opened();
    const digits = '88000000000000001';
    const unknown = payerCodeToken(digits + checkDigitOf(digits));
    const id = next++;
    expect((await scan(bank, unknown!, { id })).name).toBe('payerCodeNotFound');
    expect(await scan(bank, unknown!, { id })).toMatchObject({ name: 'payerCodeNotFound', replayed: true });
    await expect(scan(bank, unknown! + 1n)).rejects.toThrow('payerCodeWrong');
    expect(payerCodeToken(digits + ((Number(checkDigitOf(digits)) + 1) % 10))).toBeUndefined();
    expect(payerCodeToken(`87${'0'.repeat(16)}`)).toBeUndefined();
  });

  it('may be sent again with the same payment, and gets the same answer, whatever came between', async () => {
    const bank = await opened();
    const code = await shown(bank);
    const id = next++;
    const first = await scan(bank, code.token, { id });
    const second = await shown(bank);
    expect(await scan(bank, code.token, { id })).toEqual({ ...first, replayed: true });
    expect((await scan(bank, second.token, { id })).name).toBe('existsWithDifferentPayer');
    const byAccount = { id, payerAccountId: PAYER, payeeAccountId: SHOP, amount: 500n, ...CNY };
    expect((await bank.pay(ACQUIRER, 'sale', byAccount)).name).toBe('existsWithDifferentPayer');
    expect(await bank.balances(SHOP)).toEqual([0, 0, 0, 500]);
  });

  it('is of no use for another device than its own, and says of itself how the payer was verified', async () => {
    const bank = await opened();
    await bank.activateRules(1, {
      version: 'trial',
      rules: [
        {
          ...{ id: 'barcode', kind: 'limit', per: 'day', codeTiers: { C: { CNY: '5.00' } }, outcome: 'decline' },
          reason: { en: 'Because.', zh: '因为。' },
        },
      ],
    });
    const stolen = await shown(bank);
    expect((await scan(bank, stolen.token, { risk: { device: 78n } })).name).toBe('payerCodeDeviceDiffers');
    const code = await shown(bank);
    const id = next++;
    expect((await scan(bank, code.token, { id, risk: { device: DEVICE } })).name).toBe('ok');
    const { explanation } = await bank.explainPayment(1, id);
    expect(explanation?.context).toMatchObject({
      codeTier: 3,
      device: '0000000000000000000000000000004d',
      channel: 'qr',
    });
    const more = await shown(bank);
    expect((await scan(bank, more.token)).name).toBe('declinedByRisk');
  });

  it.each<[ResultName, Partial<PayerCodeInput>, number]>([
    ['payerCodeTermsInvalid', { lifetimeS: 61 }, WALLET],
    ['payerCodeTermsInvalid', { lifetimeS: 0 }, WALLET],
    ['payerCodeTermsInvalid', { codeTier: 0 }, WALLET],
    ['payerCodeTermsInvalid', { codeTier: 5 }, WALLET],
    ['payerCodeTermsInvalid', { device: 0n }, WALLET],
    ['payerCodeTermsInvalid', { unconfirmedMax: 2n ** 53n }, WALLET],
    ['accountIdMustNotBeZero', { accountId: 0n }, WALLET],
    ['payerAccountNotFound', { accountId: 999n }, WALLET],
    ['payerAccountForbidden', {}, ACQUIRER],
  ])('is not given: %s', async (name, over, institution) => {
    const bank = await opened();
    const [refused] = await bank.issueCodes(institution, { ...TERMS, ...over });
    expect(refused).toMatchObject({ name, payerCode: undefined });
  });

  it('is not given again as long as it is good', async () => {
    const bank = await opened();
    const { token } = await shown(bank);
    const draw = async (terms: object) => {
      const frame = encodeIssueCodes([{ ...TERMS, ...terms }], { requestId: 1 });
      writeU128(new DataView(frame.buffer, FRAME_HEADER.size), PAYER_CODE.at.token, token);
      return decodeIssueCodes(openReply(await bank.askPartitions(framed(WALLET, frame))))[0]?.name;
    };
    const other = { accountId: 101n };
    expect(await draw(other)).toBe('busy');
    expect((await scan(bank, token)).name).toBe('ok');
    expect(await draw(other)).toBe('ok');
    expect((await scan(bank, token)).name).toBe('ok');
    expect(await draw(TERMS)).toBe('ok');
    bank.now += 60_000_000;
    expect(await draw(other)).toBe('ok');
  });

  it('is told only to those who asked for it', async () => {
    const bank = await opened();
    const { token } = await shown(bank);
    expect((await bank.lookupCodes(ACQUIRER, token))[0]).toMatchObject({
      name: 'payerCodeNotFound',
      payerCode: undefined,
    });
    expect((await bank.lookupCodes(1, token))[0]?.name).toBe('ok');
    expect((await bank.lookupCodeDevices(1, token))[0]).toMatchObject({ name: 'codeDeviceNotFound' });
  });
});

describe('a payment by code', () => {
  it.each<[string, object]>([
    ['names no payer itself', { payerAccountId: PAYER }],
    ['says nothing of the verification', { risk: { ...RISK, codeTier: 1 } }],
    ['has a risk context', { risk: undefined }],
  ])('%s', async (_, over) => {
    const bank = await opened();
    const { token } = await shown(bank);
    const payment = { id: next++, payeeAccountId: SHOP, amount: 1n, ...CNY, risk: RISK, payerCode: token, ...over };
    expect((await bank.pay(ACQUIRER, 'sale', payment as never)).name).toBe('payerCodeInvalid');
    expect((await scan(bank, token)).name).toBe('ok');
  });

  it('is judged as any other: same account, currency', async () => {
    const bank = await opened();
    expect((await scan(bank, (await shown(bank)).token, { payeeAccountId: PAYER })).name).toBe(
      'accountsMustBeDifferent',
    );
    expect((await scan(bank, (await shown(bank)).token, { payeeAccountId: 201n })).name).toBe('currencyMismatch');
  });

  it('above the limit waits for the payer, whose institution confirms it or declines to', async () => {
    const bank = await opened();
    const within = await scan(bank, (await shown(bank)).token, { amount: 1000n });
    expect(within.name).toBe('ok');
    const [id, declined] = [next++, next++];
    for (const payment of [id, declined]) {
      const above = await scan(bank, (await shown(bank)).token, { id: payment, amount: 1001n });
      expect(above).toMatchObject({ name: 'challengeRequired', payment: { state: 'challenged' } });
    }
    expect((await bank.confirm(4, next++, id)).name).toBe('paymentForbidden');
    expect((await bank.confirm(WALLET, next++, id, new Uint8Array(3))).name).toBe('proofInvalid');
    expect(await bank.confirm(WALLET, next++, id)).toMatchObject({ name: 'ok', payment: { state: 'captured' } });
    expect((await bank.operate(4, 'void', { id: next++, paymentId: declined })).name).toBe('paymentForbidden');
    expect((await bank.operate(WALLET, 'void', { id: next++, paymentId: declined })).payment?.state).toBe('voided');
    // What is paid is not his to undo.
    expect((await bank.operate(WALLET, 'void', { id: next++, paymentId: id })).name).toBe('paymentForbidden');
    expect((await bank.operate(WALLET, 'refund', { id: next++, paymentId: id })).name).toBe('paymentForbidden');
    expect(await bank.balances(SHOP)).toEqual([0, 0, 0, 2001]);
    expectRecovered(bank.partitions);
  });

  it("is the only one that the payer's institution answers for", async () => {
    const bank = await opened();
    const rules = [
      {
        ...{ id: 'all', kind: 'cel', when: 'amount > 0', outcome: 'step_up' },
        reason: { en: 'Because.', zh: '因为。' },
      },
    ];
    await bank.activateRules(1, { version: 'trial', rules });
    // The operator may debit any account: the payment is his, and not that of the payer's institution.
    const id = next++;
    const payment = { id, payerAccountId: PAYER, payeeAccountId: SHOP, amount: 5n, ...CNY };
    expect((await bank.pay(1, 'sale', payment)).name).toBe('challengeRequired');
    expect((await bank.confirm(WALLET, next++, id)).name).toBe('paymentForbidden');
    expect((await bank.operate(WALLET, 'void', { id: next++, paymentId: id })).name).toBe('paymentForbidden');
  });

  it('that would be refused is not asked to be confirmed', async () => {
    const bank = await opened(1, 1000n);
    expect((await scan(bank, (await shown(bank)).token, { amount: 1001n })).name).toBe('insufficientFunds');
  });

  it('can be cancelled by its code before it comes', async () => {
    const bank = await opened(2);
    const { token } = await shown(bank);
    const cancel = (payerAccountId: bigint) =>
      bank.ask(cancellationRequest(ACQUIRER, { id: 900n, paymentId: 901n, payerAccountId }));
    expect(reply.payment(await cancel(token), 'cancelPayment').name).toBe('ok');
    expect(reply.payment(await cancel(token), 'cancelPayment')).toMatchObject({ name: 'ok', replayed: true });
    expect(reply.payment(await cancel(PAYER), 'cancelPayment').name).toBe('existsWithDifferentPayer');
    expect((await scan(bank, token, { id: 901n })).name).toBe('cancelledBefore');
    expect((await scan(bank, token)).name).toBe('ok');
  });

  it('leaves the code as it is when it is only rehearsed', async () => {
    const bank = await opened();
    const { token } = await shown(bank);
    const payment = { id: next++, payeeAccountId: SHOP, amount: 500n, ...CNY, risk: RISK, payerCode: token };
    const rehearsed = await bank.ask(dryRun(paymentRequest(ACQUIRER, 'sale', payment)));
    expect(reply.payment(rehearsed, 'sale')).toMatchObject({ name: 'ok', dryRun: true });
    expect((await scan(bank, token)).name).toBe('ok');
    expectRecovered(bank.partitions);
  });
});

describe('64 scans of one code, over two partitions', () => {
  it('pay once', async () => {
    const bank = new Bank(2, undefined, true);
    const ids = Array.from({ length: 40 }, (_, n) => BigInt(1000 + n));
    const payers = [0, 1].map((home) => ids.find((id) => bank.homeOf(id) === home)!);
    const shops = ids.filter((id) => !payers.includes(id)).slice(0, 8);
    expect(new Set(shops.map((id) => bank.homeOf(id))).size).toBe(2);
    await bank.accounts(WALLET, ...payers.map((id) => ({ id, ...CNY })));
    await bank.accounts(ACQUIRER, ...shops.map((id) => ({ id, ...CNY })));
    for (const accountId of payers) {
      const { token } = await shown(bank, { accountId });
      const scans = Array.from({ length: 64 }, (_, n) =>
        scan(bank, token, { payeeAccountId: shops[n % shops.length]! }),
      );
      const names = (await Promise.all(scans)).map(({ name }) => name);
      expect(names.filter((name) => name === 'ok')).toHaveLength(1);
      expect(names.filter((name) => name === 'payerCodeUsed')).toHaveLength(63);
      expect((await bank.balances(accountId))[1]).toBe(500);
    }
    const received = await Promise.all(shops.map((id) => bank.balances(id)));
    expect(received.reduce((sum, [, , , credits = 0]) => sum + credits, 0)).toBe(1000);
    await bank.rest();
    expectWhole(bank);
    expect(between(bank).every((sum) => sum === 0)).toBe(true);
    expectRecovered(bank.partitions);
  });
});

describe('the device of a code', () => {
  it('is counted by where its counts are kept, in whichever partition the payer lives', async () => {
    const bank = new Bank(2);
    const ids = Array.from({ length: 40 }, (_, n) => BigInt(1000 + n));
    const payer = ids.find((id) => bank.homeOf(id) === 0)!;
    const device = ids.find((id) => bank.homeOf(id) === 1)!;
    await bank.accounts(WALLET, { id: payer, ...CNY });
    await bank.accounts(ACQUIRER, { id: SHOP, ...CNY });
    const velocity = { id: 'busy', kind: 'velocity', measure: 'count', by: 'device', window: '1h', above: 2 };
    const rule = { ...velocity, outcome: 'decline', reason: { en: 'Because.', zh: '因为。' } };
    expect(await bank.activateRules(1, { version: 'trial', rules: [rule] })).toMatchObject({ code: 0 });
    await bank.rest();
    const names: string[] = [];
    for (let n = 0; n < 3; n++) {
      names.push((await scan(bank, (await shown(bank, { accountId: payer, device })).token)).name);
      await bank.rest();
    }
    expect(names).toEqual(['ok', 'ok', 'declinedByRisk']);
    const unknown = '88000000000000001';
    const nobody = payerCodeToken(unknown + checkDigitOf(unknown))!;
    expect((await scan(bank, nobody)).name).toBe('payerCodeNotFound');
    const { token } = await shown(bank, { accountId: payer, device });
    const bare = { id: next++, payeeAccountId: SHOP, amount: 1n, ...CNY, payerCode: token, risk: undefined };
    expect((await bank.pay(ACQUIRER, 'sale', bare as never)).name).toBe('payerCodeInvalid');
    expectRecovered(bank.partitions);
  });
});

describe('after a power cut', () => {
  it('what was used is used, and what was not still pays', async () => {
    const before = await opened(2);
    const used = await shown(before);
    const old = await shown(before, { device: 78n });
    const good = await shown(before, { device: 78n });
    expect((await scan(before, used.token)).name).toBe('ok');
    await before.rest();
    const bank = new Bank(2, before.partitions);
    bank.now = before.now;
    expect((await scan(bank, used.token)).name).toBe('payerCodeUsed');
    expect((await scan(bank, old.token)).name).toBe('payerCodeReplaced');
    expect((await scan(bank, good.token)).name).toBe('ok');
  });
});
