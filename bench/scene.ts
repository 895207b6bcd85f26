/** What must be there before the load: accounts, money, tariffs. Set up over the protocol, as any client would. */
import { defaultRuleSet } from '../engine/risk/read-rule-file.ts';
import type { SluiceClient } from '../protocol/client/client.ts';
import type { Result } from '../protocol/codecs/result-codec.ts';
import { formatId, newId } from '../protocol/ids.ts';
import { LIMITS } from '../protocol/limits.ts';
import { AccountFlags } from '../protocol/records.ts';
import { type BenchAccount, benchAccounts, LEDGER } from './accounts.ts';
import type { Group } from './load/jobs.ts';

const CODE = 1;
/** One merchant for so many payers. */
const PAYERS_PER_MERCHANT = 10;
/** Enough for ten million sales of each payer; all payers together stay within the range of one account. */
const PAYER_MONEY = 10_000_000_000n;
const MONEY_MAX = 2n ** 52n;
const MERCHANT_MONEY = 1_000_000n;

/** Accounts without limits, which pay each other. */
export async function setUpTransfers(client: SluiceClient, count: number, partitions: number): Promise<Group[]> {
  const groups = benchAccounts(count, partitions);
  await openAccounts(client, groups.flat());
  return groups.map((accounts) => {
    const ids = accounts.map(({ words }) => words);
    return { payers: ids, payees: ids };
  });
}

/**
 * Payers that cannot spend more than they have, and merchants that pay a fee of 0.6 %. In each partition a treasury,
 * which everybody's money comes from, and an account for the fees.
 */
export async function setUpPayments(client: SluiceClient, count: number, partitions: number): Promise<Group[]> {
  const merchantCount = Math.max(partitions * 10, Math.ceil(count / PAYERS_PER_MERCHANT));
  const payers = benchAccounts(count, partitions);
  const merchants = benchAccounts(merchantCount, partitions, count);
  const houses = benchAccounts(partitions * 64, partitions, count + merchantCount);
  const groups: Group[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const [treasury, fees] = houses[partition] ?? [];
    if (treasury === undefined || fees === undefined) throw new Error(`no house accounts in partition ${partition}`);
    const group = { payers: payers[partition] ?? [], merchants: merchants[partition] ?? [], treasury, fees };
    groups.push(await setUpMarket(client, group, partition + 1));
  }
  return groups;
}

/** The rule set that ships with the switch. */
export async function activateDefaultRules(client: SluiceClient): Promise<void> {
  expectOk([await client.activateRules({ ruleSet: defaultRuleSet() })], 'risk rules');
}

interface Market {
  readonly payers: readonly BenchAccount[];
  readonly merchants: readonly BenchAccount[];
  readonly treasury: BenchAccount;
  readonly fees: BenchAccount;
}

async function setUpMarket(client: SluiceClient, market: Market, tariff: number): Promise<Group> {
  const { payers, merchants, treasury, fees } = market;
  await openAccounts(client, [treasury, fees]);
  await openAccounts(client, payers, { flags: AccountFlags.debitsMustNotExceedCredits });
  const feeAccountId = formatId(fees.id);
  expectOk(
    [await client.putTariff({ number: tariff, basisPoints: 60, fixed: 0, minimum: 1, maximum: 0, feeAccountId })],
    'tariff',
  );
  await openAccounts(client, merchants, { tariff });
  const share = MONEY_MAX / BigInt(payers.length);
  await fund(client, treasury, payers, share < PAYER_MONEY ? share : PAYER_MONEY);
  await fund(client, treasury, merchants, MERCHANT_MONEY);
  return { payers: payers.map(({ words }) => words), payees: merchants.map(({ words }) => words) };
}

async function openAccounts(
  client: SluiceClient,
  accounts: readonly BenchAccount[],
  terms: { readonly flags?: number; readonly tariff?: number } = {},
): Promise<void> {
  for (const some of chunks(accounts)) {
    const inputs = some.map(({ id }) => ({ id, ledger: LEDGER, code: CODE, ...terms }));
    expectOk(await client.createAccounts(inputs), 'accounts');
  }
}

async function fund(
  client: SluiceClient,
  treasury: BenchAccount,
  accounts: readonly BenchAccount[],
  amount: bigint,
): Promise<void> {
  for (const some of chunks(accounts)) {
    const transfers = some.map(({ id }) => ({
      id: newId(),
      debitAccountId: treasury.id,
      creditAccountId: id,
      amount,
      ledger: LEDGER,
      code: CODE,
    }));
    expectOk(await client.createTransfers(transfers), 'money');
  }
}

function* chunks<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; from < items.length; from += LIMITS.recordsPerFrameMax) {
    yield items.slice(from, from + LIMITS.recordsPerFrameMax);
  }
}

function expectOk(results: readonly Result[], what: string): void {
  const refused = results.find(({ code }) => code !== 0);
  if (refused !== undefined) throw new Error(`the switch refused the ${what} of the benchmark: ${refused.name}`);
}
