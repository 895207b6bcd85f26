// The TypeScript client in a real browser, against the real switch: what the page sees is what the ledger has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type * as clientModule from '../../protocol/client/client.ts';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { connectNode } from '../../protocol/client/node.ts';
import * as ids from '../../protocol/ids.ts';
import { dataFolder, freePort, type RunningSwitch, run, startSwitch, until } from '../support/switch.ts';
import { describeInBrowser, findBrowser } from './support/browser.ts';
import { openRelay } from './support/relay.ts';
import { openSite, type Site } from './support/site.ts';

const EUR = 978;
const README = readFileSync(new URL('../../protocol/README.md', import.meta.url), 'utf8');
const EXAMPLE = /```html\n([\s\S]+?)```/.exec(README)?.[1] ?? '';
const PAGE = `<!doctype html><title>till</title><script type="module">
import * as client from 'sluice/client';
import * as ids from 'sluice/protocol/ids';
globalThis.sluice = { ...client, ...ids };
</script>`;

/** What the page of these tests has among its globals. */
declare global {
  var sluice: typeof clientModule & typeof ids;
  var client: SluiceClient;
  var isEnough: boolean | undefined;
  function underWay(): void;
}

it.runIf(process.env.CI !== undefined && process.env.CI !== '')('CI has a browser', () => {
  expect(findBrowser(), 'install chromium: these tests may be left out elsewhere, but not in CI').toBeDefined();
});

describeInBrowser('the client in a browser', (openPage) => {
  let site: Site | undefined;
  beforeAll(async () => {
    site = await openSite({ '/': PAGE, '/example': EXAMPLE });
  });
  afterAll(() => site?.close());

  /** A page of the site, on another origin than the switch, with the client among its globals. */
  async function openTill(): Promise<Page> {
    const page = await openPage();
    await page.goto(`${site?.origin}/`);
    await page.waitForFunction(() => globalThis.sluice !== undefined);
    return page;
  }

  it('pays, looks up, pages through a history, and gets a decline as a value', async () => {
    const { server, key, ledger, alice, cafe } = await openSandbox();
    const page = await openTill();
    const seen = await page.evaluate(
      async ({ url, key, EUR }) => {
        const { SluiceClient, newId, partyAccountId } = globalThis.sluice;
        const client = await SluiceClient.connect({ url, key, name: 'till', checksum: true });
        const institution = client.server?.institution ?? 0;
        const payerAccountId = partyAccountId(institution, 'alice', EUR);
        const payeeAccountId = partyAccountId(institution, 'cafe', EUR);
        const sale = { payerAccountId, payeeAccountId, ledger: EUR, code: 1 };
        const paid = [];
        for (const amount of [450n, 451n, 452n]) {
          const id = newId();
          paid.push({ id, ...(await client.sale({ ...sale, id, amount, reference: `咖啡-${amount}` })) });
        }
        const declined = await client.sale({ ...sale, id: newId(), amount: 1_000_000_000n });
        const history = { accountId: payerAccountId, limit: 2 };
        const first = await client.accountHistory(history);
        const second = await client.accountHistory({ ...history, cursor: first.nextCursor });
        const [account] = await client.lookupAccounts([payerAccountId]);
        const payments = await client.lookupPayments(paid.map(({ id }) => id));
        const byReference = await client.queryPayments({ reference: '咖啡-451' });
        await client.close();
        return { paid, declined, pages: [first, second], account, payments, byReference };
      },
      { url: server.url, key, EUR },
    );

    expect(seen.paid.map(({ name, payment }) => [name, payment?.state])).toEqual(Array(3).fill(['ok', 'captured']));
    expect(seen.declined).toMatchObject({
      code: 604,
      name: 'insufficientFunds',
      retry: 'never',
      message: { en: expect.stringContaining('not enough money'), zh: expect.stringContaining('余额不足') },
    });
    expect(seen.payments.map(({ view }) => view?.payment.reference)).toEqual(['咖啡-450', '咖啡-451', '咖啡-452']);
    expect(seen.byReference.payments.map(({ payment }) => payment.id)).toEqual([seen.paid[1]?.id]);
    const entries = seen.pages.flatMap((one) => one.entries);
    const posted = entries.filter(({ name }) => name === 'ok').map(({ transfer }) => transfer.amount);
    expect(posted.slice(0, 3)).toEqual([452n, 451n, 450n]);

    const stored = await ledger.lookupPayments(seen.paid.map(({ id }) => id));
    expect(stored.map(({ view }) => view)).toEqual(seen.payments.map(({ view }) => view));
    const [payer, payee] = await ledger.lookupAccounts([alice, cafe]);
    expect(payer?.account).toEqual(seen.account?.account);
    expect(payer?.account).toMatchObject({ debitsPosted: 450n + 451n + 452n, debitsPending: 0n });
    expect(payee?.account?.creditsPosted).toBe(25_000n + 450n + 451n + 452n);
  });

  it('gets a wrong key refused as a typed error', async () => {
    const { server } = await openSandbox();
    const page = await openTill();
    const refused = await page.evaluate(
      (url) =>
        globalThis.sluice.SluiceClient.connect({ url, key: 'slk_0000000000000000_wrong' }).then(
          () => undefined,
          (error) => ({ name: error.name, code: error.code }),
        ),
      server.url,
    );
    expect(refused).toEqual({ name: 'unauthenticated', code: expect.any(Number) });
  });

  it('pays each of many once when the switch is killed under them', async () => {
    const { server, key, dataDir, alice, bob } = await openSandbox();
    const page = await openTill();
    const isUnderWay = new Promise<void>((resolve) => page.exposeFunction('underWay', resolve));
    // Sixteen tills that pay one after the other without a pause: each has a payment outstanding at any time.
    const paying = page.evaluate(
      async ({ url, key, alice, bob, EUR }) => {
        const { SluiceClient, newId } = globalThis.sluice;
        const client = await SluiceClient.connect({ url, key });
        const outcomes: Record<string, number> = {};
        const sale = { payerAccountId: alice, payeeAccountId: bob, amount: 1n, ledger: EUR, code: 1 };
        const pay = async (): Promise<void> => {
          while (globalThis.isEnough !== true) {
            const { name } = await client.sale({ ...sale, id: newId(), reference: 'rush' });
            outcomes[name] = (outcomes[name] ?? 0) + 1;
            if (outcomes[name] === 100) globalThis.underWay();
          }
        };
        await Promise.all(Array.from({ length: 16 }, pay));
        await client.close();
        return outcomes;
      },
      { url: server.url, key, alice, bob, EUR },
    );
    await Promise.race([isUnderWay, paying]);
    await server.end('SIGKILL');
    const again = await startOn(dataDir, server.port);
    await page.evaluate(() => {
      globalThis.isEnough = true;
    });
    const outcomes = await paying;
    expect(outcomes).toEqual({ ok: expect.any(Number) });

    const ledger = await openLedger(again.url, key);
    const [payer] = await ledger.lookupAccounts([alice]);
    expect(Number(payer?.account?.debitsPosted)).toBe(outcomes.ok);
    expect((await again.end('SIGTERM')).code).toBe(0);
    expect(await run(['verify', dataDir])).toMatchObject({ code: 0 });
  });

  it('gets the first answer when the switch decided, died before it answered, and came back', async () => {
    const { server, key, dataDir, ledger, alice, cafe } = await openSandbox();
    const relay = await openRelay(server.port);
    onTestFinished(() => relay.close());
    const page = await openTill();
    const options = { url: `ws://127.0.0.1:${relay.port}`, key };
    await page.evaluate(async (options) => {
      globalThis.client = await globalThis.sluice.SluiceClient.connect(options);
    }, options);
    relay.mute();
    const id = ids.newId();
    const sale = { id, payerAccountId: alice, payeeAccountId: cafe, amount: 450n, ledger: EUR, code: 1 };
    const paying = page.evaluate((sale) => globalThis.client.sale(sale), sale);
    await until(async () => (await ledger.lookupPayments([id]))[0]?.name === 'ok', 'the payment is durable');
    await server.end('SIGKILL');
    const again = await startOn(dataDir, server.port);
    expect(await paying).toMatchObject({ name: 'ok', replayed: true, payment: { state: 'captured', captured: 450n } });
    await page.evaluate(() => globalThis.client.close());

    const after = await openLedger(again.url, key);
    const { entries } = await after.accountHistory({ accountId: alice });
    expect(entries.filter(({ transfer }) => transfer.userData128 === id)).toHaveLength(1);
    expect((await after.lookupAccounts([alice]))[0]?.account?.debitsPosted).toBe(450n);
  });

  it('comes from another origin, whose pages the HTTP API does not answer', async () => {
    const { server, key } = await openSandbox();
    const page = await openTill();
    expect(new URL(page.url()).origin).not.toBe(server.http);
    const fetched = await page.evaluate(
      ({ url, key }) =>
        fetch(`${url}/v1/parties`, { headers: { Authorization: `Bearer ${key}` } }).then(
          ({ status }) => status,
          (error) => error.name,
        ),
      { url: server.http, key },
    );
    expect(fetched).toBe('TypeError');
  });

  it('runs the example of the README', async () => {
    const { server, key, ledger, alice } = await openSandbox();
    const page = await openPage({ locale: 'zh-CN' });
    await page.goto(`${site?.origin}/example`);
    await page.fill('[name=url]', server.url);
    await page.fill('[name=key]', key);
    await page.click('button');
    await page.waitForFunction(() => document.querySelector('output')?.textContent !== '');
    expect(await page.textContent('output')).toBe('成功。');
    expect((await ledger.lookupAccounts([alice]))[0]?.account?.debitsPosted).toBe(450n);
  });
});

interface Sandbox {
  readonly server: RunningSwitch;
  readonly dataDir: string;
  readonly key: string;
  /** A client outside of the browser, to see what is in the ledger. */
  readonly ledger: SluiceClient;
  readonly alice: bigint;
  readonly bob: bigint;
  readonly cafe: bigint;
}

/** A new sandbox with all its money in place; its switch ends with the test. */
async function openSandbox(): Promise<Sandbox> {
  const dataDir = dataFolder();
  // A port that was asked for by its number: the kernel gives one that it chose itself (0) back only after a minute.
  const server = await startOn(dataDir, await freePort());
  let key = '';
  await until(() => {
    key = readSandboxKey(dataDir);
    return key !== '';
  }, 'the sandbox has a key');
  const ledger = await openLedger(server.url, key);
  const institution = ledger.server?.institution ?? 0;
  const accountOf = (handle: string): bigint => ids.partyAccountId(institution, handle, EUR);
  const alice = accountOf('alice');
  // All funding is one batch.
  await until(async () => (await ledger.lookupAccounts([alice]))[0]?.account?.creditsPosted === 100_000n, 'money');
  return { server, dataDir, key, ledger, alice, bob: accountOf('bob'), cafe: accountOf('cafe') };
}

async function startOn(dataDir: string, port: number): Promise<RunningSwitch> {
  const server = await startSwitch(dataDir, ['--sandbox', '--port', String(port)]);
  onTestFinished(() => void server.end('SIGKILL'));
  return server;
}

async function openLedger(url: string, key: string): Promise<SluiceClient> {
  const ledger = await connectNode({ url, key, name: 'ledger' });
  onTestFinished(() => ledger.close());
  return ledger;
}

/** Empty while it is not there or not whole. */
function readSandboxKey(dataDir: string): string {
  try {
    return /^slk_.+(?=\n)/.exec(readFileSync(join(dataDir, 'sandbox-key'), 'utf8'))?.[0] ?? '';
  } catch {
    return '';
  }
}
