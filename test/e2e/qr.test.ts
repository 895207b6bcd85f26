// QR codes with a running switch, from the command line and over HTTP: what is shown can be paid, once where it must be.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sluice, start } from './support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-qr-'));
const dataDir = join(folder, 'data');
let server: ChildProcess;
let port = '';
let where: readonly string[] = [];

beforeAll(async () => {
  server = start(['serve', '--sandbox', '--port', '0', '--data-dir', dataDir, '--partitions', '2']);
  server.stdout?.resume();
  if (server.stderr === null) throw new Error('no standard error');
  for await (const line of createInterface({ input: server.stderr })) {
    port = /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? port;
    if (line.includes('npx sluice account show')) break;
  }
  where = ['--url', `ws://127.0.0.1:${port}/v1/ws`, '--data-dir', dataDir];
});
afterAll(async () => {
  server.kill('SIGTERM');
  await once(server, 'exit');
  // Everything that was done here is in the journal, and replays to what is in the indexes.
  const { code, output } = await sluice(['verify', dataDir]);
  expect(output).toContain('is whole: 2 partitions');
  expect(code).toBe(0);
  rmSync(folder, { recursive: true });
});

async function run(...words: string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return sluice([...words, ...where]);
}

async function text(...words: string[]): Promise<string> {
  const { code, output, errors } = await run(...words);
  expect(errors).toBe('');
  expect(code).toBe(0);
  return output.trim();
}

async function http(
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const key = readFileSync(join(dataDir, 'sandbox-key'), 'utf8').trim();
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, ...sent });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe('a code of a shop', () => {
  it('is shown, and paid by whoever scans it', async () => {
    const shown = await text('qr', 'show', 'cafe');
    const payload = shown.split('\n').at(-1) ?? '';
    expect(payload).toBe(await text('qr', 'show', 'cafe', '--format', 'text'));
    expect(await text('pay', '--qr', payload, '--from', 'alice', '12.50')).toContain('Paid 12.50 CNY from alice.');
    const declined = await run('pay', '--qr', payload, '--from', 'bob', '500.01');
    expect([declined.code, declined.errors]).toEqual([1, expect.stringContaining('declinedByRisk')]);
  });

  it('of an order is paid once, with its tip, and refunded', async () => {
    const payload = await text('qr', 'show', 'cafe', '20.00', '--number', 'T-1', '--tip', '10%', '--format', 'text');
    expect(await text('pay', '--qr', payload, '--from', 'bob')).toContain('Paid 22.00 CNY from bob.');
    expect((await run('pay', '--qr', payload, '--from', 'alice')).errors).toContain('orderPaid');
    const decoded = JSON.parse((await sluice(['qr', 'decode', payload, '--json'])).output);
    const id = decoded.fields['26']['02'];
    // Its shop hears of each step.
    const heard = [];
    for (const partition of ['0', '1']) {
      const lines = (await text('changes', '--partition', partition, '--json')).split('\n');
      const changes = lines.map((line) => JSON.parse(line));
      heard.push(
        ...changes.filter(({ type, body }) => type === 'order' && body.id === id).map(({ body }) => body.state),
      );
    }
    expect(heard).toEqual(['open', 'paying', 'paid']);
    expect(await text('qr', 'order', id, '--refund', '2.00')).toMatch(/state +paid/);
    expect((await run('qr', 'order', id, '--close')).errors).toContain('orderPaid');
  });

  it('of a person is not paid from a picture', async () => {
    const payload = await text('qr', 'show', 'dan', '--format', 'text');
    expect((await run('pay', '--qr', payload, '--from', 'alice', '3', '--remote')).errors).toContain(
      'personalCodeNotRemote',
    );
    expect(await text('pay', '--qr', payload, '--from', 'alice', '3')).toContain('Paid 3.00 CNY');
  });
});

describe('a code of a payer', () => {
  it('pays a shop once, and above its limit when he has confirmed', async () => {
    const digits = await text('qr', 'pay-code', 'alice', 'CNY', '--format', 'text');
    expect(await text('pay', '--code', digits, '--to', 'grocer', '8.80', 'CNY')).toContain('Paid 8.80 CNY to grocer.');
    expect((await run('pay', '--code', digits, '--to', 'taxi', '8.80', 'CNY')).errors).toContain('payerCodeUsed');
    const consumer = await text('qr', 'pay-code', 'alice', 'CNY', '--form', 'cpm', '--format', 'text');
    expect(await text('pay', '--code', consumer, '--to', 'grocer', '1.10', 'CNY')).toContain(
      'Paid 1.10 CNY to grocer.',
    );
    const careful = await text('qr', 'pay-code', 'alice', 'CNY', '--unconfirmed', '5', '--format', 'text');
    const waits = JSON.parse(await text('pay', '--code', careful, '--to', 'taxi', '5.01', 'CNY', '--json'));
    expect(waits).toMatchObject({ name: 'challengeRequired' });
    expect(await text('payment', 'confirm', waits.id)).toContain('5.01 CNY');
  });
});

describe('over HTTP', () => {
  it('an order is made, paid, read and refunded', async () => {
    const expiresAt = new Date(Date.now() + 600_000).toISOString();
    const terms = { amount: '1250', currency: 'HKD', title: 'Tea', expiresAt };
    const made = await http('PUT', '/v1/parties/cafe/orders/H-1', terms);
    expect(made).toMatchObject({ status: 200, body: { state: 'open', number: 'H-1' } });
    const { id } = made.body;
    const id1 = '0190a5e0c0de7000800000000000c001';
    const paid = await http('POST', `/v1/orders/${id}/payments`, { id: id1, from: 'erin', currency: 'HKD' });
    expect(paid).toEqual({ status: 200, body: { id: id1, state: 'captured' } });
    expect((await http('GET', `/v1/orders/${id}`)).body).toMatchObject({ state: 'paid', payment: id1, tipped: '0' });
    const refund = { id: '0190a5e0c0de7000800000000000c002', amount: '1251' };
    expect((await http('POST', `/v1/orders/${id}/refunds`, refund)).body).toMatchObject({
      name: 'exceedsCapturedAmount',
    });
    expect((await http('PUT', `/v1/orders/${id}/close`)).body).toMatchObject({ status: 422, name: 'orderPaid' });
  });

  it('a code is issued and paid with; a device is enrolled', async () => {
    const device = { account: 'frank', currency: 'CNY', device: 'phone-1', unconfirmedMax: '100000' };
    const issued = await http('POST', '/v1/payer-codes', device);
    const { code } = issued.body;
    const payment = {
      id: '0190a5e0c0de7000800000000000c003',
      payerCode: code,
      to: 'taxi',
      amount: '900',
      currency: 'CNY',
    };
    expect((await http('POST', '/v1/payments', payment)).body).toMatchObject({ state: 'captured', from: null });
    expect((await http('GET', `/v1/payer-codes/${code}`)).body).toMatchObject({ payment: payment.id });
    const enrolled = await http('POST', '/v1/code-devices', device);
    expect(enrolled.body.key).toMatch(/^[0-9a-f]{64}$/);
    const blocked = await http('PUT', `/v1/code-devices/${enrolled.body.number}`, { ...device, state: 'blocked' });
    expect(blocked.body).toMatchObject({ state: 'blocked', key: null });
    expect((await http('GET', `/v1/code-devices/${enrolled.body.number}`)).body).toMatchObject({ state: 'blocked' });
  });

  it('a counter is set and paid at', async () => {
    const tip = { kind: 'percent', hundredths: 1000 };
    const place = { latitude: '31.230000', longitude: '121.470000' };
    const body = { city: 'SHANGHAI', country: 'CN', counters: [{ counter: 'table-1', tip, place }] };
    const set = await http('PUT', '/v1/parties/taxi/counters', body);
    expect(set.body).toMatchObject({ counters: [{ counter: 'table-1', state: 'open', tip, place }] });
    expect((await http('GET', '/v1/parties/taxi/counters')).body).toEqual(set.body);
    const payment = { from: 'grace', amount: '300', currency: 'CNY', risk: { location: place } };
    const at = '/v1/parties/taxi/counters/table-1/payments';
    const id = '0190a5e0c0de7000800000000000c004';
    expect((await http('POST', at, { ...payment, id })).body).toMatchObject({ name: 'tipDiffers' });
    expect((await http('POST', at, { ...payment, id, tip: '30' })).body).toEqual({ id, state: 'captured' });
  });
});

describe('many merchants', () => {
  it('are exported, imported again, and their codes printed', async () => {
    const file = join(folder, 'merchants.csv');
    await text('qr', 'export', '--output', file);
    expect(await text('qr', 'import', file)).toBe('6 merchants imported.');
    expect(await text('qr', 'export')).toBe(readFileSync(file, 'utf8').trim());
    const sheets = join(folder, 'sheets');
    const done = await text('qr', 'sheet', '--output', sheets, '--columns', '2', '--rows', '2', '--currency', 'HKD');
    expect(done).toBe('6 codes on 2 pages.');
    expect(readdirSync(sheets)).toEqual(['page-1.svg', 'page-2.svg']);
  });
});
