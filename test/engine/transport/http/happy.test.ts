import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROUTES } from '../../../../engine/transport/http/routes.ts';
import { FrameFlags } from '../../../../protocol/frame.ts';
import { formatId, partyAccountId } from '../../../../protocol/ids.ts';
import { type Harness, startHttp } from './harness.ts';

let http: Harness;
beforeAll(async () => {
  http = await startHttp();
});
afterAll(() => http.close());

const hex = (n: number) => n.toString(16).padStart(32, '0');
let next = 0x1000;
const fresh = () => hex(next++);

/** Sends, expects 200, and holds the answer against the schema that the route publishes. */
async function ok(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, headers?: Record<string, string>) {
  const reply = await http.send(method, path, body, headers);
  expect(reply.body).toMatchObject({});
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
  expect(reply.headers.get('content-type')).toBe('application/json');
  const [plain = ''] = path.split('?');
  const route = ROUTES.find(
    ({ spec }) =>
      spec.method.toUpperCase() === method && new RegExp(`^${spec.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(plain),
  );
  const published = route?.spec.answer.safeParse(reply.body);
  expect(published?.success, JSON.stringify(published?.error)).toBe(true);
  return reply;
}

describe('accounts and transfers', () => {
  let a: string;
  let b: string;
  beforeEach(async () => {
    a = fresh();
    b = fresh();
    await ok('POST', '/v1/accounts', [
      {
        id: a,
        currency: 'CNY',
        code: 1,
        debitsMustNotExceedCredits: true,
        creditLimit: '500',
        userData64: '18446744073709551615',
      },
      { id: b, currency: 156, code: 2, tariff: 3, userData128: hex(7), userData32: 9 },
    ]);
  });

  it('opens an account, alone or in a list, and again under the same id', async () => {
    const id = fresh();
    const body = { id, currency: 'JPY', code: 5 };
    const first = await ok('POST', '/v1/accounts', body);
    expect(first.body).toMatchObject({ id, result: { code: 0, name: 'ok' }, replayed: false });
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    const again = await ok('POST', '/v1/accounts', body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body.replayed).toBe(true);
    expect((await http.send('POST', '/v1/accounts', { ...body, currency: 'USD' })).body).toMatchObject({
      status: 409,
      name: 'existsWithDifferentLedger',
      field: 'currency',
      id,
    });
  });

  it('shows an account', async () => {
    expect((await ok('GET', `/v1/accounts/${a}`)).body).toEqual({
      id: a,
      currency: 'CNY',
      code: 1,
      balance: '0',
      debitsPending: '0',
      debitsPosted: '0',
      creditsPending: '0',
      creditsPosted: '0',
      creditLimit: '500',
      debitsMustNotExceedCredits: true,
      creditsMustNotExceedDebits: false,
      state: 'open',
      tariff: 0,
      tier: 0,
      owner: 2,
      userData128: null,
      userData64: '18446744073709551615',
      userData32: 0,
      createdAt: '2026-01-31T08:00:00.000123Z',
    });
    expect((await ok('GET', `/v1/accounts/${b}`)).body).toMatchObject({
      tariff: 3,
      userData128: hex(7),
      userData32: 9,
    });
  });

  it('freezes an account, sets its limit, and says so', async () => {
    const path = `/v1/accounts/${b}/changes`;
    const { body } = await ok('POST', path, { id: fresh(), state: 'frozenForDebits', creditLimit: '700' });
    expect(body).toMatchObject({ result: { name: 'ok' }, replayed: false });
    expect((await ok('GET', `/v1/accounts/${b}`)).body).toMatchObject({ state: 'frozenForDebits', creditLimit: '700' });
    await ok('POST', path, { state: 'open' }, { 'idempotency-key': 'thaw' });
    expect((await ok('GET', `/v1/accounts/${b}`)).body).toMatchObject({ state: 'open', creditLimit: '700' });
    const unknown = await http.send('POST', `/v1/accounts/${fresh()}/changes`, { id: fresh(), state: 'closed' });
    expect(unknown.body).toMatchObject({ status: 404, name: 'accountNotFound' });
    const shapeless = await http.send('POST', path, { id: fresh(), state: 'melted' });
    expect(shapeless.body).toMatchObject({ status: 400, name: 'malformedBody', field: 'state' });
  });

  it('transfers with the balances in the answer, and shows the transfer', async () => {
    const id = fresh();
    const body = { id, debitAccount: a, creditAccount: b, amount: '9007199254740991', currency: 'CNY', code: 1 };
    const { body: done } = await ok('POST', '/v1/transfers', body);
    expect(done.balances.debit.debitsPosted).toBe('9007199254740991');
    expect(done.balances.credit.creditsPosted).toBe('9007199254740991');
    const { body: shown } = await ok('GET', `/v1/transfers/${id}`);
    expect(shown).toMatchObject({ id, kind: 'posted', debitAccount: a, amount: '9007199254740991', currency: 'CNY' });
    expect(shown.debitBalanceAfter).toBe('-5');
    expect((await ok('POST', '/v1/transfers', body)).headers.get('idempotent-replayed')).toBe('true');
  });

  it.each([
    [
      '/v1/transfers',
      { debitAccount: hex(1), creditAccount: hex(2), amount: '5', currency: 'CNY', code: 1 },
      FrameFlags.balances,
    ],
    ['/v1/accounts', { currency: 'CNY', code: 1 }, 0],
    [`/v1/accounts/${hex(1)}/changes`, { state: 'open' }, 0],
    ['/v1/payments', { from: hex(1), to: hex(2), amount: '5', currency: 'CNY' }, 0],
  ])('asks %s for a dry run', async (path, body, flags) => {
    const asked = async (query: string) => {
      const reply = await http.send('POST', path + query, { ...body, id: fresh() });
      return [http.gateway.seen.at(-1)?.flags, reply.headers.get('dry-run')];
    };
    expect(await asked('?dryRun=true')).toEqual([flags | FrameFlags.dryRun, 'true']);
    expect(await asked('?dryRun=false')).toEqual([flags, null]);
    expect(await asked('')).toEqual([flags, null]);
    const wrong = await http.send('POST', `${path}?dryRun=yes`, { ...body, id: fresh() });
    expect(wrong.body).toMatchObject({ status: 400, name: 'malformedBody', field: 'dryRun' });
  });

  it('answers a list item by item', async () => {
    const good = { debitAccount: a, creditAccount: b, amount: 5, currency: 'CNY', code: 1 };
    const bad = { ...good, debitAccount: fresh() };
    const { body } = await ok('POST', '/v1/transfers', [good, bad], { 'idempotency-key': 'batch-1' });
    expect(body.results.map((one: { result: { name: string } }) => one.result.name)).toEqual([
      'ok',
      'debitAccountNotFound',
    ]);
    const again = await ok('POST', '/v1/transfers', [good, bad], { 'idempotency-key': 'batch-1' });
    expect(again.body.results[0]).toMatchObject({ id: body.results[0].id, replayed: true });
  });

  it('sends every kind of transfer', async () => {
    const pendingId = fresh();
    const base = { debitAccount: a, creditAccount: b, amount: 5, currency: 'CNY', code: 1 };
    for (const [more, flags] of [
      [{ kind: 'pending', timeoutSeconds: 60 }, 2],
      [{ kind: 'post', pendingId, keepRemainder: true }, 4 + 16],
      [{ kind: 'void', pendingId }, 8],
      [{ kind: 'revert', pendingId }, 128],
      [{ linked: true }, 1],
      [{ imported: true, timestamp: '2020-01-31T08:00:00.000123Z' }, 256],
    ] as const) {
      const id = fresh();
      await ok('POST', '/v1/transfers', { id, ...base, ...more });
      expect(http.gateway.transfers.get(BigInt(`0x${id}`))).toMatchObject({ flags });
      if (flags !== 256) continue;
      const { body } = await ok('GET', `/v1/transfers/${id}`);
      expect(body).toMatchObject({ imported: true, decidedAt: '2020-01-31T08:00:00.000123Z' });
    }
  });

  it('posts and voids a whole chain, finding its debit account', async () => {
    const hold = { debitAccount: a, creditAccount: b, amount: 5, currency: 'CNY', code: 1, kind: 'pending' };
    const pending = fresh();
    await ok('POST', '/v1/transfers', { id: pending, ...hold });
    for (const [action, flags] of [
      ['post', 4],
      ['void', 8],
    ] as const) {
      const id = fresh();
      const { body, headers } = await ok('POST', `/v1/transfers/${pending}/chain/${action}?dryRun=true`, { id });
      expect(body).toMatchObject({ id, members: 2, result: { name: 'ok' }, replayed: false });
      expect([http.gateway.seen.at(-1)?.flags, headers.get('dry-run')]).toEqual([FrameFlags.dryRun, 'true']);
      const sent = {
        id: BigInt(`0x${id}`),
        pendingId: BigInt(`0x${pending}`),
        debitAccountId: BigInt(`0x${a}`),
        flags,
      };
      expect(http.gateway.chains.at(-1)).toMatchObject(sent);
      const key = { 'idempotency-key': `${action}-it` };
      const keyed = await ok('POST', `/v1/transfers/${pending}/chain/${action}`, undefined, key);
      expect(http.gateway.seen.at(-1)?.flags).toBe(0);
      expect(keyed.body.id).toBe(formatId(http.gateway.chains.at(-1)?.id ?? 0n));
    }
    const posted = fresh();
    await ok('POST', '/v1/transfers', { id: posted, ...hold, kind: 'posted' });
    const id = fresh();
    const refused = await http.send('POST', `/v1/transfers/${posted}/chain/post`, { id });
    expect(refused.body).toMatchObject({
      status: 409,
      name: 'pendingTransferAlreadyPosted',
      id,
      refusedBy: hex(0xbad),
    });
    const unknown = await http.send('POST', `/v1/transfers/${fresh()}/chain/post`, { id });
    expect(unknown.body).toMatchObject({ name: 'pendingTransferNotFound', field: 'id' });
    expect(unknown.body).not.toHaveProperty('refusedBy');
  });

  it('pages through the entries of an account, newest first', async () => {
    const move = { debitAccount: a, creditAccount: b, currency: 'CNY', code: 1 };
    for (const amount of [1, 2, 3]) await ok('POST', '/v1/transfers', { id: fresh(), ...move, amount });
    const page = (await ok('GET', `/v1/accounts/${a}/entries?limit=2`)).body;
    expect(page.entries).toMatchObject([
      { direction: 'debit', amount: '3', balanceAfter: '-5', counterparty: b, payment: null },
      { direction: 'debit', amount: '2' },
    ]);
    const rest = (await ok('GET', `/v1/accounts/${a}/entries?limit=2&cursor=${page.nextCursor}`)).body;
    expect(rest).toMatchObject({ entries: [{ amount: '1' }], nextCursor: null });
    const other = (await ok('GET', `/v1/accounts/${b}/entries`)).body;
    expect(other.entries[0]).toMatchObject({ direction: 'credit', balanceAfter: '7', counterparty: a });
  });
});

describe('payments', () => {
  let payer: string;
  beforeEach(async () => {
    const rich = partyAccountId(2, 'alice', 156);
    payer = formatId(rich);
    await http.send('POST', '/v1/accounts', { id: payer, currency: 'CNY', code: 1 });
    http.gateway.accounts.get(rich)!.creditsPosted = 1_000_000n;
  });
  const sale = { from: 'alice', to: 'teahouse', amount: '1250', currency: 'CNY' };

  it('pays by name, and gives the same answer to the same key', async () => {
    const key = '0190a5e0-c0de-7000-8000-00000000c33e';
    const body = { ...sale, reference: '订单 4711', code: 7, userData64: 3, campaign: hex(0xca3e) };
    const first = await ok('POST', '/v1/payments', body, { 'idempotency-key': key });
    expect(first.body).toMatchObject({
      id: key.replaceAll('-', ''),
      state: 'captured',
      captured: '1250',
      amount: '1250',
      from: payer,
      to: formatId(partyAccountId(2, 'teahouse', 156)),
      currency: 'CNY',
      reference: '订单 4711',
    });
    const again = await ok('POST', '/v1/payments', body, { 'idempotency-key': key });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body).toEqual(first.body);
    const quoted = await ok('POST', '/v1/payments', body, { 'idempotency-key': `"${key}"` });
    expect(quoted.body.id).toBe(first.body.id);
    const seen = (await ok('GET', `/v1/payments/${key}`)).body;
    const { lastOperation, challenge, ...same } = seen;
    expect(challenge).toBeNull();
    expect(same).toEqual(first.body);
    expect(lastOperation).toBeNull();
  });

  it('makes the same id of the same text key, another for another institution or text', async () => {
    const one = await ok('POST', '/v1/payments', sale, { 'idempotency-key': 'order-1' });
    const two = await ok('POST', '/v1/payments', sale, { 'idempotency-key': 'order-2' });
    const three = await ok('POST', '/v1/payments', sale, { 'idempotency-key': 'order-1' });
    expect(one.body.id).not.toBe(two.body.id);
    expect(three.body.id).toBe(one.body.id);
  });

  it('holds, captures, refunds', async () => {
    const id = fresh();
    const hold = { ...sale, id, capture: false, expiresAfterSeconds: 60 };
    expect((await ok('POST', '/v1/payments', hold)).body).toMatchObject({
      state: 'authorised',
      operation: 'authorise',
      expiresAt: '2026-01-31T08:00:01.000123Z',
    });
    expect(http.gateway.payments.get(BigInt(`0x${id}`))!.payment.expiresAfterS).toBe(60);
    const operation = fresh();
    const captured = await ok('POST', `/v1/payments/${id}/captures`, { id: operation, amount: 1000, final: true });
    expect(captured.body).toMatchObject({ id: operation, payment: id, state: 'captured', captured: '1000' });
    const { body: refunded } = await ok(
      'POST',
      `/v1/payments/${id}/refunds`,
      { amount: '1' },
      { 'idempotency-key': 'r' },
    );
    expect(refunded).toMatchObject({ payment: id, refunded: '1', version: 3 });
    expect((await ok('GET', `/v1/payments/${id}`)).body.lastOperation).toMatchObject({ id: refunded.id, amount: '1' });
    const cancelled = await ok('POST', `/v1/payments/${id}/cancel`, { id: fresh(), from: fresh(), amount: '2' });
    expect(cancelled.body).toMatchObject({ payment: id, operation: 'cancel' });
    const nameless = await http.send('POST', `/v1/payments/${id}/cancel`, { id: fresh(), from: 'alice' });
    expect(nameless.body).toMatchObject({ status: 400, field: 'currency' });
    const { body: reverted } = await ok('POST', `/v1/payments/${id}/revert`, { id: fresh() });
    expect(reverted).toMatchObject({ payment: id, operation: 'revert' });
  });

  it('voids without a body', async () => {
    const id = fresh();
    await ok('POST', '/v1/payments', { ...sale, id, capture: false });
    const { body } = await ok('POST', `/v1/payments/${id}/void`, undefined, { 'idempotency-key': 'v' });
    expect(body).toMatchObject({ payment: id, state: 'voided', released: '1250' });
  });

  it('tells a decline with its reason and the payment, in the language asked for', async () => {
    const id = fresh();
    const body = { ...sale, id, amount: '99999999' };
    const en = await http.send('POST', '/v1/payments', body);
    expect(en.status).toBe(422);
    expect(en.headers.get('content-type')).toBe('application/problem+json');
    expect(en.body).toMatchObject({
      type: '/docs#code-604',
      status: 422,
      code: 604,
      name: 'insufficientFunds',
      retry: 'never',
      detail: 'There is not enough money in your account. Please add money or pay another way.',
      payment: { id, state: 'declined', amount: '99999999' },
    });
    const zh = await http.send('POST', '/v1/payments', body, { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' });
    expect(zh.body.detail).toBe('余额不足，请充值或更换支付方式。');
    expect(zh.headers.get('content-language')).toBe('zh');
    expect(zh.headers.get('idempotent-replayed')).toBe('true');
  });

  it('finds payments by reference, account and state', async () => {
    const reference = `find-${fresh()}`;
    for (const amount of [1, 2, 3]) await ok('POST', '/v1/payments', { ...sale, id: fresh(), amount, reference });
    const amounts = async (query: string) => {
      const { body } = await ok('GET', `/v1/payments?${query}`);
      return { amounts: body.payments.map((one: { amount: string }) => one.amount), next: body.nextCursor };
    };
    expect(await amounts(`reference=${reference}&limit=2`)).toEqual({ amounts: ['3', '2'], next: '2' });
    expect(await amounts(`reference=${reference}&limit=2&cursor=2`)).toEqual({ amounts: ['1'], next: null });
    expect(await amounts(`reference=${reference}&state=voided`)).toEqual({ amounts: [], next: null });
    expect((await amounts(`account=alice&currency=CNY&reference=${reference}`)).amounts.length).toBe(3);
    expect((await amounts(`account=${payer}&reference=${reference}`)).amounts.length).toBe(3);
    expect((await amounts(`account=bob&currency=156&reference=${reference}`)).amounts.length).toBe(0);
  });
});

describe('parties and terms', () => {
  it('registers, shows and lists parties', async () => {
    const body = { kind: 'merchant', name: '老茶馆', currencies: ['CNY', 392, 'CNY'], mcc: 5814 };
    const { body: party } = await ok('PUT', '/v1/parties/tea.house', body);
    expect(party).toEqual({
      handle: 'tea.house',
      kind: 'merchant',
      name: '老茶馆',
      accounts: {
        CNY: formatId(partyAccountId(2, 'tea.house', 156)),
        JPY: formatId(partyAccountId(2, 'tea.house', 392)),
      },
      mcc: 5814,
      institution: 2,
      updatedAt: '2026-01-31T08:00:00.000123Z',
    });
    expect((await ok('GET', '/v1/parties/tea.house')).body).toEqual(party);
    expect((await ok('GET', '/v1/parties?limit=10')).body).toEqual({ parties: [party], nextCursor: null });
    expect((await http.send('PUT', '/v1/parties/tea.house', { ...body, kind: 'customer' })).body).toMatchObject({
      status: 409,
      name: 'partyKindMustNotChange',
    });
  });

  it('sets tariffs and campaigns', async () => {
    const feeAccount = fresh();
    await ok('POST', '/v1/accounts', { id: feeAccount, currency: 'CNY', code: 1 });
    await ok('PUT', '/v1/tariffs/7', { basisPoints: 60, minimum: '1', feeAccount });
    expect(http.gateway.rich.at(-1)).toEqual({
      number: 7,
      basisPoints: 60,
      fixed: 0,
      minimum: 1,
      maximum: 0,
      feeAccountId: feeAccount,
    });
    const campaign = await ok('PUT', `/v1/campaigns/${hex(0xca3e)}`, {
      basisPoints: 1000,
      maximum: 9007199254740991,
      endsAt: '2026-12-31T23:59:59+08:00',
    });
    expect(campaign.body).toMatchObject({
      maximum: '9007199254740991',
      startsAt: null,
      endsAt: '2026-12-31T15:59:59.000000Z',
    });
    expect(http.gateway.rich.at(-1)).toMatchObject({ endsAt: Date.UTC(2026, 11, 31, 15, 59, 59) * 1000 });
  });
});
