import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sluice, start } from './support/command.ts';

let dataDir = '';
let server: ChildProcess | undefined;

beforeAll(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'sluice-tour-')), 'data');
});
afterEach(() => stop());
afterAll(() => rmSync(join(dataDir, '..'), { recursive: true }));

interface Serving {
  /** Flags that lead a command to this switch. */
  readonly where: readonly string[];
  /** The commands that it told people to try, as words after `npx sluice`. */
  readonly suggested: readonly (readonly string[])[];
}

/** Starts a sandbox on any free port and waits until it has said what to try. */
async function serve(folder = dataDir): Promise<Serving> {
  const child = start(['serve', '--sandbox', '--port', '0', '--data-dir', folder]);
  server = child;
  child.stdout?.resume();
  if (child.stderr === null) throw new Error('no standard error');
  let port = '';
  const suggested: string[][] = [];
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    port = /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? port;
    const command = /^ {2}npx sluice (.+)$/.exec(line)?.[1];
    if (command !== undefined) suggested.push(command.split(' '));
    if (suggested.length === 3) {
      return { where: ['--url', `ws://127.0.0.1:${port}/v1/ws`, '--data-dir', folder], suggested };
    }
  }
  throw new Error(`the switch ended early:\n${said.join('\n')}`);
}

/** Asks the switch to stop as a supervisor does; its exit code. */
async function stop(): Promise<number | null> {
  if (server === undefined || server.exitCode !== null) return server?.exitCode ?? null;
  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  return code as number | null;
}

async function json(words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, output, errors } = await sluice([...words, '--json']);
  expect(errors).toBe('');
  expect(code).toBe(0);
  return JSON.parse(output);
}

async function balance(name: string, currency: string, where: readonly string[]): Promise<bigint> {
  const { accounts } = await json(['account', 'show', name, ...where]);
  const found = (accounts as { currency: string; balance: string }[]).find((one) => one.currency === currency);
  return BigInt(found?.balance ?? -1);
}

describe('the tour', () => {
  it('works as printed, and everything is still there after a restart', async () => {
    const { where, suggested } = await serve();
    expect(statSync(join(dataDir, 'sandbox-key')).mode & 0o777).toBe(0o600);
    for (const words of suggested) expect(await sluice(words)).toMatchObject({ code: 0, errors: '' });
    expect(await balance('alice', 'EUR', where)).toBe(100_000n - 450n);
    expect(await balance('bob', 'CNY', where)).toBe(800_000n - 12_800n + 1500n);

    const paid = ['pay', 'carol', 'grocer', '2000', 'JPY', '--id', 'order-17', '--reference', 'basket'];
    expect(await json([...paid, ...where])).toMatchObject({ name: 'ok', replayed: false });
    expect(await json([...paid, ...where])).toMatchObject({ name: 'ok', replayed: true });
    expect(await json(['payment', 'show', 'basket', ...where])).toMatchObject({ amount: '2000', currency: 'JPY' });
    expect(await stop()).toBe(0);

    const again = await serve();
    expect(await balance('alice', 'EUR', again.where)).toBe(100_000n - 450n);
    expect(await json([...paid, ...again.where])).toMatchObject({ name: 'ok', replayed: true });
    expect(await balance('carol', 'JPY', again.where)).toBe(150_000n - 2000n);
  });

  it('holds, captures, refunds and voids', async () => {
    const { where } = await serve();
    const hold = ['pay', 'dan', 'taxi', '20.00', 'USD', '--authorise', '--id', 'ride-42'];
    expect(await json([...hold, ...where])).toMatchObject({ payment: { state: 'authorised' } });
    expect(await json(['payment', 'capture', 'ride-42', '--amount', '15.00', '--final', ...where])).toMatchObject({
      payment: { state: 'captured', captured: '1500', released: '500' },
    });
    expect(await json(['payment', 'refund', 'ride-42', '--amount', '5.00', ...where])).toMatchObject({
      payment: { refunded: '500' },
    });
    expect(await balance('dan', 'USD', where)).toBe(100_000n - 1000n);
    await json(['pay', 'dan', 'taxi', '9.00', 'USD', '--authorise', '--id', 'ride-43', ...where]);
    expect(await json(['payment', 'void', 'ride-43', ...where])).toMatchObject({ payment: { state: 'voided' } });
  });

  it('says in the language of the person why a payment is declined, and ends with 1', async () => {
    const { where } = await serve();
    const words = ['pay', 'erin', 'cinema', '99999.00', 'EUR', ...where];
    expect(await sluice(words)).toMatchObject({ code: 1, errors: expect.stringContaining('(insufficientFunds, 604)') });
    const chinese = await sluice(words, { LANG: 'zh_CN.UTF-8' });
    expect(chinese).toMatchObject({ code: 1, errors: expect.stringContaining('余额不足') });
  });

  it('lists accounts, histories and payments, and opens new accounts', async () => {
    const { where } = await serve();
    expect(await sluice(['account', 'list', ...where])).toMatchObject({ code: 0 });
    await json(['account', 'create', 'judy', '--currency', 'EUR', ...where]);
    const created = await json(['transfer', 'create', 'treasury', 'judy', '12.50', 'EUR', '--id', 'gift', ...where]);
    expect(await json(['transfer', 'show', String(created.id), ...where])).toMatchObject({ amount: '1250' });
    const history = await json(['account', 'history', 'judy', ...where]);
    expect(history).toMatchObject({ entries: [{ amount: '1250', creditBalanceAfter: '1250' }] });
    expect(await json(['payment', 'list', '--limit', '1', ...where])).toHaveProperty('payments');
    const revert = ['transfer', 'revert', 'gift', '--id', 'gift-back', ...where];
    expect(await json([...revert, '--dry-run'])).toMatchObject({ name: 'ok', dryRun: true, replayed: false });
    expect(await balance('judy', 'EUR', where)).toBe(1250n);
    expect(await json(revert)).toMatchObject({ name: 'ok', amount: '1250', replayed: false });
    expect(await json(revert)).toMatchObject({ name: 'ok', replayed: true });
    expect(await balance('judy', 'EUR', where)).toBe(0n);
    const other = ['transfer', 'revert', 'gift', '--id', 'gift-back-2', ...where];
    expect(await sluice(other)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('originalTransferAlreadyReverted'),
    });
  });

  it('ends a chain by the id of one of its transfers, once', async () => {
    const { where } = await serve();
    const hold = ['transfer', 'create', 'treasury', 'alice', '3.00', 'EUR', '--pending', '--id'];
    await json([...hold, 'chain-1', ...where]);
    await json([...hold, 'chain-2', ...where]);
    const before = await balance('alice', 'EUR', where);
    const post = ['transfer', 'post-chain', 'chain-1', '--id', 'all-of-it', ...where];
    expect(await json([...post, '--dry-run'])).toMatchObject({ name: 'ok', members: 1, dryRun: true });
    expect(await json(post)).toMatchObject({ name: 'ok', members: 1, replayed: false });
    expect(await json(post)).toMatchObject({ name: 'ok', members: 1, replayed: true });
    expect(await balance('alice', 'EUR', where)).toBe(before + 300n);
    const release = ['transfer', 'void-chain', 'chain-2', ...where];
    expect(await sluice(release)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^1 pending transfer released\.\ntransfer [0-9a-f]{32}\n$/),
    });
    expect(await sluice(release)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('pendingTransferAlreadyVoided'),
    });
    expect(await balance('alice', 'EUR', where)).toBe(before + 300n);
  });

  it('backs up while it runs, and a restored backup serves what was there', async () => {
    const { where } = await serve();
    const before = await balance('alice', 'EUR', where);
    const [backup, restored] = [`${dataDir}-backup`, `${dataDir}-restored`];
    expect(await json(['backup', backup, '--data-dir', dataDir])).toMatchObject({ to: backup });
    await json(['pay', 'alice', 'cafe', '1.00', 'EUR', ...where]);
    await stop();

    expect(await sluice(['restore', backup, restored])).toMatchObject({ code: 0, errors: '' });
    const refused = await sluice(['restore', backup, restored]);
    expect(refused).toMatchObject({ code: 1, output: '' });
    const again = await serve(restored);
    expect(await balance('alice', 'EUR', again.where)).toBe(before);
  });

  it('refuses a second switch on the same data, in one line', async () => {
    await serve();
    const second = await sluice(['serve', '--port', '0', '--data-dir', dataDir]);
    expect(second).toMatchObject({ code: 1 });
    expect(second.errors).toMatch(/error: .*\n$/);
    expect(second.errors).not.toMatch(/\n\s+at /);
  });

  it('freezes, limits, closes and opens an account', async () => {
    const folder = join(dataDir, '..', 'states');
    const { where } = await serve(folder);
    const pay = ['pay', 'alice', 'cafe', '1.00', 'EUR', ...where];
    const account = (...words: string[]) => json(['account', ...words, ...where]);
    expect(await account('freeze', 'alice', '--currency', 'EUR', '--debits', '--id', 'stop-1')).toMatchObject({
      state: 'frozenForDebits',
      name: 'ok',
      replayed: false,
    });
    expect(await account('freeze', 'alice', '--currency', 'EUR', '--debits', '--id', 'stop-1')).toMatchObject({
      replayed: true,
    });
    expect((await sluice(pay)).errors).toContain('Your account is frozen.');
    const closing = await sluice(['account', 'close', 'alice', '--currency', 'EUR', ...where]);
    expect(closing).toMatchObject({ code: 1, errors: expect.stringContaining('accountBalanceNotZero') });
    expect(await account('limit', 'alice', '250', 'EUR')).toMatchObject({ creditLimit: '25000' });
    expect(await account('open', 'alice', '--currency', 'EUR')).toMatchObject({ state: 'open' });
    expect(await sluice(pay)).toMatchObject({ code: 0 });
    const { accounts } = await account('show', 'alice');
    expect(accounts).toContainEqual(expect.objectContaining({ currency: 'EUR', state: 'open', creditLimit: '25000' }));
    expect(await stop()).toBe(0);
    expect(await sluice(['verify', folder])).toMatchObject({ code: 0 });
  });
});

describe('the risk rules of the tour', () => {
  it('have one payment confirmed, one released and one declined with its explanation', async () => {
    const { where } = await serve(join(dataDir, '..', 'rules'));
    const pay = (...words: string[]) => json(['pay', ...words, ...where]);
    expect(await pay('alice', 'bookshop', '6000.00', 'CNY', '--reference', 'sofa')).toMatchObject({
      payment: { state: 'challenged' },
    });
    expect(await json(['payment', 'confirm', 'sofa', ...where])).toMatchObject({ payment: { state: 'captured' } });
    const parcel = ['bob', 'bookshop', '450.00', 'EUR', '--channel', 'crossBorder', '--reference', 'parcel'];
    expect(await pay(...parcel)).toMatchObject({ payment: { state: 'held' } });
    expect(await json(['payment', 'release', 'parcel', ...where])).toMatchObject({ payment: { state: 'captured' } });
    const bet = await sluice(['pay', 'bob', 'cafe', '20.00', 'EUR', '--mcc', '7995', '--reference', 'bet', ...where]);
    expect(bet).toMatchObject({ code: 1, errors: expect.stringContaining('(declinedByRisk, 811)') });
    expect(await json(['risk', 'explain', 'bet', ...where])).toMatchObject({
      outcome: 'decline',
      ruleSet: 'default-1',
      rules: [{ id: 'gambling', overridable: false }],
    });
    const early = ['payment', 'cancel', 'late-coffee', '--from', 'alice', '--currency', 'EUR', ...where];
    expect(await json(early)).toMatchObject({ name: 'ok', payment: { state: 'declined', name: 'cancelledBefore' } });
    const late = await sluice(['pay', 'alice', 'cafe', '4.50', 'EUR', '--id', 'late-coffee', ...where]);
    expect(late).toMatchObject({ code: 1, errors: expect.stringContaining('(cancelledBefore, 624)') });
    const part = await json(['payment', 'cancel', 'parcel', '--amount', '50.00', ...where]);
    expect(part).toMatchObject({ payment: { operation: 'cancel', refunded: '5000' } });
    expect(await json(['outbox', 'list', 'issuer-a', ...where])).toEqual({ entries: [], nextCursor: 0 });
    const unknown = ['outbox', 'remove', 'issuer-a', '0190a5e0c0de7000800000000000d44f', ...where];
    expect(await sluice(unknown)).toMatchObject({ code: 1, errors: expect.stringContaining('outboxEntryNotFound') });
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    const block = ['risk', 'freeze', 'cafe', 'EUR', '--payer', 'bob', '--amount', '3.00', '--until', tomorrow];
    await json(['pay', 'bob', 'cafe', '20.00', 'EUR', ...where]);
    expect(await json([...block, '--reason', 'Reported as fraud.', ...where])).toMatchObject({ blocked: 300 });
    expect((await sluice(['account', 'show', 'cafe', ...where])).output).toMatch(/BLOCKED\n[\s\S]* EUR .* 3\.00\n/);
    expect(await json(['account', 'show', 'cafe', ...where])).toMatchObject({
      accounts: expect.arrayContaining([
        expect.objectContaining({ currency: 'EUR', blocked: '300', pendingOut: '300' }),
      ]),
    });
    const file = join(dataDir, '..', 'rules.yaml');
    writeFileSync(file, (await sluice(['risk', 'default'])).output);
    expect(await json(['risk', 'check', file])).toMatchObject({ valid: true, version: 'default-1' });
    expect(await json(['risk', 'activate', file, ...where])).toEqual({ version: 'default-1' });
    expect(await json(['risk', 'replay', file, '--data-dir', join(dataDir, '..', 'rules')])).toMatchObject({
      payments: 4,
      changed: 0,
    });
    expect(await stop()).toBe(0);
    expect((await sluice(['verify', join(dataDir, '..', 'rules')])).code).toBe(0);
  });
});
