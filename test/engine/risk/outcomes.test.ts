// What becomes of a payment that the rules do not just let through, with one partition and with several: the money, the standing, the answers
// again, what a restart finds, and what a replay makes of it.
import { beforeEach, describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import type { PaymentCommand } from '../../../protocol/codecs/payment-codec.ts';
import { formatId } from '../../../protocol/ids.ts';
import { encodeRecord } from '../../../protocol/layout.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { AccountFlags, PAYMENT, PaymentFlags } from '../../../protocol/records.ts';
import { Channels, RISK_CONTEXT, RISK_SIGNAL } from '../../../protocol/risk.ts';
import { Bank } from '../../support/bank.ts';
import { Desk, records, reply } from '../../support/desk.ts';
import { expectRecovered } from '../../support/recovered.ts';
import { PAYEE, PAYER, payment, Shop } from '../../support/shop.ts';

const SECOND = 1_000_000;
const PROOF_OF_ANOTHER = new Uint8Array(32).fill(7);
const why = (text: string) => ({ en: `${text}.`, zh: `${text}。` });
const byCode = (code: number, outcome: string, more: object = {}) => ({
  id: `code-${code}`,
  kind: 'cel',
  when: `code == ${code}`,
  outcome,
  reason: why(`Code ${code}`),
  ...more,
});
/** What is wanted of a payment is its code. */
const RULES = {
  version: 'by-code',
  rules: [
    byCode(11, 'decline', { overridable: false }),
    byCode(12, 'hold'),
    byCode(13, 'review'),
    byCode(14, 'step_up'),
    byCode(15, 'decline', { mode: 'shadow' }),
    {
      id: 'burst',
      kind: 'velocity',
      measure: 'count',
      by: 'payer',
      window: '1h',
      above: 3,
      outcome: 'decline',
      channels: ['wallet'],
      reason: why('Too many'),
    },
  ],
};
const DECLINE = 11;
const HOLD = 12;
const REVIEW = 13;
const STEP_UP = 14;
const SHADOW = 15;

describe.each([1, 2, 3])('with %i partitions', (count) => {
  let bank: Bank;
  let next: bigint;
  const payers = [2n, 3n, 4n];

  beforeEach(async () => {
    bank = new Bank(count);
    next = 1000n;
    const limited = AccountFlags.debitsMustNotExceedCredits;
    await bank.accounts(1, { id: 1n, ledger: 156, code: 1 });
    for (const id of [...payers, 5n, 6n]) await bank.accounts(2, { id, ledger: 156, code: 1, flags: limited });
    for (const id of payers) {
      const funding = { debitAccountId: 1n, creditAccountId: id, amount: 1000n, ledger: 156, code: 1 };
      await bank.transfers(1, { id: 900n + id, ...funding });
    }
    await bank.activateRules(1, RULES);
    await bank.rest();
  });

  const pay = (code: number, over: object = {}, name: PaymentCommand = 'sale') =>
    bank.pay(2, name, { id: next++, payerAccountId: 2n, payeeAccountId: 5n, amount: 100n, ledger: 156, code, ...over });
  /** [held, spent] of the payer, what the payee has. */
  const money = async (payer = 2n, payee = 5n): Promise<number[]> => {
    const [held = 0, spent = 0] = await bank.balances(payer);
    const [, , , got = 0] = await bank.balances(payee);
    return [held, spent, got];
  };

  /** Pages go through one partition after the other. */
  const openCases = async () => {
    const all: unknown[] = [];
    for (let cursor = 0, pages = 0; pages < count; pages++) {
      const page = await bank.registry(2, 'readCases', { cursor, limit: 10 });
      all.push(...(page.cases ?? []));
      cursor = page.nextCursor ?? 0;
    }
    return all;
  };

  it('declinedByRisk: nothing moves, the answer stays, and the decision is told', async () => {
    const answer = await pay(DECLINE);
    expect(answer).toMatchObject({ name: 'declinedByRisk', payment: { state: 'declined' } });
    expect(await money()).toEqual([0, 0, 0]);
    const again = await pay(DECLINE, { id: next - 1n });
    expect(again).toMatchObject({ name: 'declinedByRisk', replayed: true, payment: { state: 'declined' } });
    expect((await bank.explainPayment(2, next - 2n)).explanation).toMatchObject({
      ruleSet: 'by-code',
      outcome: 'decline',
      rules: [{ id: 'code-11', outcome: 'decline', overridable: false, shadow: false, reason: why('Code 11') }],
    });
    expect((await bank.operate(2, 'capture', { id: 50n, paymentId: next - 2n })).name).toBe('paymentDeclined');
  });

  it('a shadow rule is noted and changes nothing', async () => {
    expect((await pay(SHADOW)).name).toBe('ok');
    expect((await bank.explainPayment(2, next - 1n)).explanation).toMatchObject({
      outcome: 'approve',
      rules: [{ id: 'code-15', shadow: true }],
    });
  });

  it.each([5n, 6n])(
    'paymentHeld: a sale keeps the money pending, and a release takes it for payee %i',
    async (payee) => {
      const answer = await pay(HOLD, { payeeAccountId: payee });
      const id = next - 1n;
      expect(answer).toMatchObject({
        name: 'paymentHeld',
        payment: { state: 'held', operation: 'sale', captured: 0n },
      });
      expect(await money(2n, payee)).toEqual([100, 0, 0]);
      expect((await pay(HOLD, { id, payeeAccountId: payee })).replayed).toBe(true);
      expect((await bank.operate(2, 'capture', { id: 50n, paymentId: id })).name).toBe('paymentHeld');
      expect((await bank.operate(3, 'release', { id: 51n, paymentId: id })).name).toBe('paymentForbidden');
      const released = await bank.operate(2, 'release', { id: 52n, paymentId: id });
      expect(released).toMatchObject({
        name: 'ok',
        payment: { state: 'captured', operation: 'release', captured: 100n },
      });
      await bank.rest();
      expect(await money(2n, payee)).toEqual([0, 100, 100]);
      expect((await bank.operate(2, 'release', { id: 52n, paymentId: id })).replayed).toBe(true);
      expect((await bank.operate(2, 'release', { id: 53n, paymentId: id })).name).toBe('paymentNotHeld');
      expect((await bank.operate(2, 'refund', { id: 54n, paymentId: id })).name).toBe('ok');
      await bank.rest();
      expectRecovered(bank.partitions);
    },
  );

  it('an authorisation that is held goes on as one when it is released', async () => {
    await pay(HOLD, { expiresAfterS: 3600 }, 'authorise');
    const id = next - 1n;
    const released = await bank.operate(2, 'release', { id: 50n, paymentId: id });
    expect(released).toMatchObject({ name: 'ok', payment: { state: 'authorised', captured: 0n } });
    expect(await money()).toEqual([100, 0, 0]);
    expect((await bank.operate(2, 'capture', { id: 51n, paymentId: id, amount: 40n, flags: 1 })).name).toBe('ok');
    await bank.rest();
    expect(await money()).toEqual([0, 40, 40]);
  });

  it.each(['void', 'revert'] as const)('%s gives back what is held, and ends a challenge', async (name) => {
    for (const code of [HOLD, STEP_UP]) {
      await pay(code);
      const answer = await bank.operate(2, name, { id: next++, paymentId: next - 2n });
      expect(answer).toMatchObject({ name: 'ok', payment: { state: 'voided', released: code === HOLD ? 100n : 0n } });
    }
    await bank.rest();
    expect(await money()).toEqual([0, 0, 0]);
    expectRecovered(bank.partitions);
  });

  it('a hold ends by itself with the life of an authorisation', async () => {
    await pay(HOLD);
    const id = next - 1n;
    bank.now += LIMITS.authorisationSecondsDefault * SECOND - 1;
    await bank.rest();
    expect(await money()).toEqual([100, 0, 0]);
    bank.now += 1;
    await bank.rest();
    expect(await money()).toEqual([0, 0, 0]);
    expect((await bank.lookupPayments(2, id))[0]?.view?.status).toMatchObject({
      state: 'expired',
      operation: 'expire',
    });
    expect((await bank.operate(2, 'release', { id: 50n, paymentId: id })).name).toBe('paymentNotHeld');
  });

  it('review holds the money and opens a case in the same batch', async () => {
    await pay(REVIEW);
    const paymentId = next - 1n;
    expect(await openCases()).toMatchObject([{ paymentId: formatId(paymentId), rules: ['code-13'], state: 'open' }]);
    const decided = { paymentId: formatId(paymentId), by: 'desk', decision: 'release' } as const;
    expect((await bank.registry(2, 'changeCase', decided)).name).toBe('ok');
    await bank.rest();
    expect(await money()).toEqual([0, 100, 100]);
    await pay(REVIEW);
    const other = { paymentId: formatId(next - 1n), by: 'desk', decision: 'return' } as const;
    expect((await bank.registry(2, 'changeCase', other)).name).toBe('ok');
    await bank.rest();
    expect(await money()).toEqual([0, 100, 100]);
    expectRecovered(bank.partitions);
  });

  it.each([5n, 6n])('challengeRequired: nothing is held until the payer has proved it, for payee %i', async (payee) => {
    const answer = await pay(STEP_UP, { payeeAccountId: payee });
    const id = next - 1n;
    const expiresAt = BigInt(bank.now + LIMITS.challengeSeconds * SECOND);
    expect(answer).toMatchObject({ name: 'challengeRequired', payment: { state: 'challenged' } });
    expect(answer.payment?.expiresAt).toBe(expiresAt);
    expect(await money(2n, payee)).toEqual([0, 0, 0]);
    expect((await bank.confirm(2, 50n, id, PROOF_OF_ANOTHER)).name).toBe('proofInvalid');
    // The same id may try again.
    const confirmed = await bank.confirm(2, 50n, id);
    expect(confirmed).toMatchObject({
      name: 'ok',
      payment: { state: 'captured', operation: 'confirm', captured: 100n },
    });
    await bank.rest();
    expect(await money(2n, payee)).toEqual([0, 100, 100]);
    expect((await bank.confirm(2, 50n, id)).replayed).toBe(true);
    expect((await bank.confirm(2, 51n, id)).name).toBe('paymentNotChallenged');
    expect((await bank.operate(2, 'refund', { id: 52n, paymentId: id })).name).toBe('ok');
    await bank.rest();
    expectRecovered(bank.partitions);
  });

  it('a challenged authorisation holds the money once it is confirmed, and can be captured', async () => {
    await pay(STEP_UP, { expiresAfterS: 60 }, 'authorise');
    const id = next - 1n;
    bank.now += 5 * SECOND;
    const confirmed = await bank.confirm(2, 50n, id);
    expect(confirmed).toMatchObject({ name: 'ok', payment: { state: 'authorised' } });
    expect(confirmed.payment?.expiresAt).toBe(BigInt(bank.now + 60 * SECOND));
    expect(await money()).toEqual([100, 0, 0]);
    expect((await bank.operate(2, 'capture', { id: 51n, paymentId: id, amount: 30n })).name).toBe('ok');
    expectRecovered(bank.partitions);
    bank.now += 60 * SECOND;
    await bank.rest();
    expect(await money()).toEqual([0, 30, 30]);
  });

  it('challengeExpired: not a microsecond before its time', async () => {
    await pay(STEP_UP);
    await pay(STEP_UP);
    const [first, second] = [next - 2n, next - 1n];
    bank.now += LIMITS.challengeSeconds * SECOND - 1;
    expect((await bank.confirm(2, 50n, first)).name).toBe('ok');
    bank.now += 1;
    await bank.rest();
    expect((await bank.lookupPayments(2, second))[0]?.view?.status).toMatchObject({ state: 'expired' });
    expect((await bank.confirm(2, 51n, second)).name).toBe('challengeExpired');
    expectRecovered(bank.partitions);
  });

  it('a confirmation that the ledger refuses leaves the payment challenged', async () => {
    await pay(STEP_UP, { amount: 900n });
    const id = next - 1n;
    await pay(1, { amount: 500n });
    expect((await bank.confirm(2, 50n, id)).name).toBe('insufficientFunds');
    const more = { debitAccountId: 1n, creditAccountId: 2n, amount: 9000n, ledger: 156, code: 1 };
    await bank.transfers(1, { id: 800n, ...more });
    expect((await bank.confirm(2, 51n, id)).name).toBe('ok');
  });

  it.each([5n, 6n])('nobody is asked to prove what payee %i would not get all the same', async (payeeAccountId) => {
    const answer = await pay(STEP_UP, { amount: 1001n, payeeAccountId });
    expect(answer).toMatchObject({ name: 'insufficientFunds', payment: { state: 'declined' } });
    expect((await bank.explainPayment(2, next - 1n)).explanation).toMatchObject({ outcome: 'step_up' });
    expect((await pay(STEP_UP, { amount: 1000n, payeeAccountId })).name).toBe('challengeRequired');
    expectRecovered(bank.partitions);
  });

  it('what is counted survives: declines of the ledger do not count, held and confirmed payments do', async () => {
    const wallet = { risk: { channel: 'wallet' } } as const;
    expect((await pay(1, wallet)).name).toBe('ok');
    expect((await pay(HOLD, wallet)).name).toBe('paymentHeld');
    expect((await pay(1, { ...wallet, amount: 50_000n })).name).toBe('insufficientFunds');
    expect((await pay(STEP_UP, wallet)).name).toBe('challengeRequired');
    expect((await pay(1, wallet)).name).toBe('ok');
    // Three are counted; the challenged one is the fourth.
    expect((await bank.confirm(2, 50n, next - 2n)).name).toBe('ok');
    await bank.rest();
    expectRecovered(bank.partitions);
    const reopened = new Bank(count, bank.partitions);
    reopened.now = bank.now;
    bank = reopened;
    expect((await pay(1, wallet)).name).toBe('declinedByRisk');
    expect((await pay(1)).name).toBe('ok');
    expect((await pay(1, { ...wallet, payerAccountId: 3n })).name).toBe('ok');
  });

  it('decisionNotFound and paymentNotFound: what no rules looked at is not explained', async () => {
    await bank.activateRules(1);
    expect((await pay(DECLINE)).name).toBe('ok');
    expect((await bank.explainPayment(2, next - 1n)).name).toBe('decisionNotFound');
    expect((await bank.explainPayment(2, 77n)).name).toBe('paymentNotFound');
    expect((await bank.explainPayment(9, next - 1n)).name).toBe('paymentForbidden');
    expectRecovered(bank.partitions);
  });

  it('ruleSetInvalid: the set before stays in force, in every partition', async () => {
    const wrong = { version: 'x', rules: [{ ...byCode(1, 'decline'), when: 'code ==' }] };
    const answer = await bank.activateRules(1, wrong);
    expect(answer).toMatchObject({ name: 'ruleSetInvalid', mistakes: [expect.stringContaining('rules.0.when')] });
    for (const payerAccountId of payers) expect((await pay(DECLINE, { payerAccountId })).name).toBe('declinedByRisk');
  });

  it('signals are counted once, and only by who may debit the account', async () => {
    const rule = { id: 'checks', kind: 'failed_authentication', window: '10m', above: 1, outcome: 'decline' };
    await bank.activateRules(1, { version: 's', rules: [{ ...rule, reason: why('Checks') }] });
    const signal = { id: 60n, accountId: 2n, kind: 'authenticationFailed' } as const;
    expect(await bank.signals(2, signal, { ...signal, id: 61n, accountId: 99n })).toEqual(['ok', 'accountNotFound']);
    expect(await bank.signals(3, { ...signal, id: 62n })).toEqual(['accountForbidden']);
    expect(await bank.signals(2, signal)).toEqual(['ok']);
    expect((await pay(1)).name).toBe('ok');
    expect(await bank.signals(2, { ...signal, kind: 'rebound' })).toEqual(['existsWithDifferentSignal']);
    expect(await bank.signals(2, { ...signal, device: 5n })).toEqual(['existsWithDifferentSignal']);
    expect(await bank.signals(3, signal)).toEqual(['existsWithDifferentOwner']);
    expect(await bank.signals(2, { ...signal, id: 63n })).toEqual(['ok']);
    expect((await pay(1)).name).toBe('declinedByRisk');
    expectRecovered(bank.partitions);
  });
});

describe('in one partition', () => {
  it('a dry run counts nothing, holds nothing and opens no challenge or case', async () => {
    const bank = new Bank(1);
    await bank.accounts(1, { id: 1n, ledger: 156, code: 1 });
    await bank.accounts(2, { id: 2n, ledger: 156, code: 1 }, { id: 5n, ledger: 156, code: 1 });
    await bank.activateRules(1, RULES);
    const desk = new Desk(bank.partitions[0]!.partition);
    const before = takeSnapshot(bank.partitions[0]!.state);
    for (const code of [1, 1, 1, 1, 1, DECLINE, HOLD, REVIEW, STEP_UP]) {
      const record = { id: 100n, payerAccountId: 2n, payeeAccountId: 5n, amount: 10n, ledger: 156, code };
      const request = records(2, 'sale', PAYMENT, [record]);
      await desk.one({ ...request, flags: request.flags | 4 });
    }
    expect(takeSnapshot(bank.partitions[0]!.state)).toEqual(before);
  });

  it('without rules a payment takes no byte more, and nothing is counted', async () => {
    const shop = await Shop.open();
    await shop.desk.pay(2, 'sale', payment);
    const plain = shop.desk.last?.journalBytes;
    await shop.desk.pay(2, 'sale', { ...payment, id: 101n, risk: { channel: 'wallet' } });
    expect(shop.desk.last?.journalBytes).toBe((plain ?? 0) + 64);
    expect(shop.memory.state.risk.features.rows).toBe(0);
  });

  it.each([
    ['a channel', { channel: Math.max(...Object.values(Channels)) + 1 }],
    ['a country', { country: 0x4331 }],
    ['a category', { mcc: 10_000 }],
    ['a code tier', { codeTier: 5 }],
    ['a flag', { flags: 2 }],
    ['a place without its flag', { latitude: 1 }],
    ['a latitude', { flags: 1, latitude: 90_000_001 }],
    ['a longitude', { flags: 1, longitude: -180_000_001 >>> 0 }],
    ['the reserved byte', { reserved: 1 }],
  ])('riskContextInvalid: %s out of range', async (_, field) => {
    const shop = await Shop.open();
    const frame = await shop.desk.one(rawContext(field));
    expect(reply.payment(frame, 'sale').name).toBe('riskContextInvalid');
    const good = await shop.desk.one(
      rawContext({ flags: 1, latitude: -90_000_000 >>> 0, longitude: 180_000_000, mcc: 9999, codeTier: 4 }),
    );
    expect(reply.payment(good, 'sale').name).toBe('ok');
  });

  it('signalKindUnknown, and the shape of a signal before it', async () => {
    const bank = new Bank(1);
    const kinds = { id: 1n, accountId: 2n, kind: 9 };
    const sent = async (over: object): Promise<string> => {
      const request = records(2, 'reportSignals', RISK_SIGNAL, [{ ...kinds, ...over }]);
      return reply.accounts(await bank.ask(request))[0]!.name;
    };
    expect(await sent({})).toBe('signalKindUnknown');
    expect(await sent({ accountId: 0n })).toBe('accountIdMustNotBeZero');
    expect(await sent({ id: 0n, accountId: 0n })).toBe('idMustNotBeZero');
    expect(await sent({ id: 0n, reserved32: 1 })).toBe('reservedField');
    expect(await sent({ reserved8: 1, timestamp: 1n })).toBe('timestampMustBeZero');
  });
});

/** A sale with circumstances that a client would not write. */
function rawContext(fields: object) {
  const ids = { id: 100n, payerAccountId: PAYER, payeeAccountId: PAYEE, amount: 10n };
  const record = { ...ids, ledger: 156, code: 1, flags: PaymentFlags.riskContext };
  const request = records(2, 'sale', PAYMENT, [record]);
  const body = new Uint8Array(PAYMENT.size + RISK_CONTEXT.size);
  body.set(request.body);
  encodeRecord(RISK_CONTEXT, new DataView(body.buffer), PAYMENT.size, fields);
  return { ...request, body };
}
