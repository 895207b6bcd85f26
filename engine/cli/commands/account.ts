/** `sluice account create|show|list`: parties of the caller's institution and their accounts. */
import type { Command } from 'commander';
import type { PartyKind, StoredParty } from '../../../protocol/bodies.ts';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import type { Account } from '../../../protocol/codecs/account-codec.ts';
import { formatId, parseId, partyAccountId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { accountInput, openAccounts, PARTY_KINDS } from '../accounts.ts';
import {
  ledgerName,
  readAmount,
  readCurrency,
  readCursor,
  readHandle,
  readId,
  readTier,
  readWhole,
} from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { findParty } from '../find-account.ts';
import { command, group } from '../options.ts';
import { json } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { accountJson, accountTable, type ShownAccount } from '../views.ts';
import { registerAccountChanges } from './account-changes.ts';
import { registerReading } from './account-reading.ts';

interface CreateOptions extends ConnectionOptions {
  readonly kind: string;
  readonly currency: string;
  readonly name: string;
  readonly mcc: string;
  readonly tariff?: string;
  readonly tier?: string;
  readonly creditLimit?: string;
}

interface ListOptions extends ConnectionOptions {
  readonly limit: string;
  readonly cursor?: string;
}

interface NamedAccount {
  readonly handle: string;
  readonly account: Account;
}

export function registerAccount(program: Command, terminal: Terminal): void {
  const account = group(program, 'account', 'Open accounts, and look at balances and histories.');

  const create = command(
    account,
    'create <name>',
    'Register a customer, merchant or house role, with an account in each currency.',
    [
      'sluice account create judy --currency EUR,USD',
      'sluice account create florist --kind merchant --name "Flora & Co" --mcc 5992 --currency CNY --tariff 101',
    ],
  );
  addConnectionOptions(create)
    .requiredOption('--currency <codes>', 'Currencies, separated by commas.')
    .option('--kind <kind>', `One of ${PARTY_KINDS.join(', ')}; a house account may go below zero.`, 'customer')
    .option('--name <text>', 'Trading name of a merchant, as payers see it.', '')
    .option('--mcc <code>', 'Merchant category code (ISO 18245).', '0')
    .option('--tariff <number>', 'Fee schedule for payments received.')
    .option('--tier <number>', 'How well its holder is known, 0 to 3, for risk rules.')
    .option('--credit-limit <amount>', 'How far below zero a customer or merchant may go; needs a single currency.')
    .action((name: string, options: CreateOptions) => createParty(name, options, terminal));

  const show = command(
    account,
    'show <account>',
    'Show balances: of a name in all its currencies, or of one account id.',
    ['sluice account show alice', 'sluice account show cafe --json'],
  );
  addConnectionOptions(show).action((text: string, options: ConnectionOptions) =>
    withClient(options, terminal, async (client) => {
      const found = await findAccounts(client, text, terminal);
      const accounts: ShownAccount[] = [];
      for (const one of found) accounts.push({ ...one, blocked: await blockedOf(client, one.account.id) });
      terminal.output.write(
        options.json === true
          ? json({ accounts: accounts.map((one) => accountJson(one.account, one.handle, one.blocked)) })
          : accountTable(accounts),
      );
    }),
  );

  registerReading(account, terminal);

  registerAccountChanges(account, terminal);

  const list = command(account, 'list', 'List the parties of your institution with their balances, newest first.', [
    'sluice account list',
    'sluice account list --limit 100 --json',
  ]);
  addConnectionOptions(list)
    .option('--limit <number>', 'Parties on a page, 1 to 1000.', '50')
    .option('--cursor <cursor>', 'Go on where the last page ended.')
    .action((options: ListOptions) => listAccounts(options, terminal));
}

/** What open freezes of received money block, minor units; 0 when the account is not the caller's to see. */
async function blockedOf(client: SluiceClient, id: bigint): Promise<bigint> {
  const { freezes = [] } = await client.registry('readAccountRisk', { accountId: formatId(id) });
  return freezes.reduce((sum, { state, blocked = 0 }) => (state === 'open' ? sum + BigInt(blocked) : sum), 0n);
}

function createParty(text: string, options: CreateOptions, terminal: Terminal): Promise<void> {
  const handle = readHandle(text);
  const kind = readKind(options.kind);
  const currencies = options.currency.split(',').map((code) => readCurrency(code.trim()));
  const [first] = currencies;
  if (options.creditLimit !== undefined && (first === undefined || currencies.length > 1)) {
    throw new UsageError('--credit-limit is an amount of one currency: give a single --currency');
  }
  const terms = {
    ...(options.tariff === undefined ? {} : { tariff: readWhole(options.tariff, 'the tariff', 1, 0xffff) }),
    ...(options.tier === undefined ? {} : { tier: readTier(options.tier) }),
    ...(options.creditLimit === undefined || first === undefined
      ? {}
      : { creditLimit: readAmount(options.creditLimit, first) }),
  };
  const mcc = readWhole(options.mcc, 'the merchant category', 0, 9999);
  return withClient(options, terminal, async (client) => {
    const institution = institutionOf(client);
    const inputs = currencies.map(({ numeric }) => accountInput(institution, { handle, kind }, numeric, terms));
    await openAccounts(client, inputs);
    const ledgers = currencies.map(({ numeric }) => numeric);
    expectOk(await client.putParty({ handle, kind, name: options.name, ledgers, mcc }), terminal);
    if (options.json === true) {
      const accounts = inputs.map(({ id, ledger }) => ({ id: formatId(id), currency: ledgerName(ledger) }));
      terminal.output.write(json({ handle, kind, accounts }));
      return;
    }
    terminal.output.write(`${handle} has accounts in ${currencies.map(({ alphabetic }) => alphabetic).join(', ')}.\n`);
  });
}

function listAccounts(options: ListOptions, terminal: Terminal): Promise<void> {
  const limit = readWhole(options.limit, 'the limit', 1, 1000);
  const cursor = Number(readCursor(options.cursor));
  return withClient(options, terminal, async (client) => {
    const page = await client.listParties({ cursor, limit });
    expectOk(page, terminal);
    const accounts = await accountsOf(client, page.parties);
    if (options.json === true) {
      const views = accounts.map((one) => accountJson(one.account, one.handle));
      terminal.output.write(json({ accounts: views, nextCursor: page.nextCursor }));
      return;
    }
    terminal.output.write(accountTable(accounts));
    if (page.nextCursor !== 0) terminal.errors.write(`There are more: add --cursor ${page.nextCursor}\n`);
  });
}

async function findAccounts(client: SluiceClient, text: string, terminal: Terminal): Promise<NamedAccount[]> {
  if (parseId(text) === undefined) return accountsOf(client, [await findParty(client, text, terminal)]);
  const [found] = await client.lookupAccounts([readId(text, 'account')]);
  if (found !== undefined) expectOk(found, terminal);
  return found?.account === undefined ? [] : [{ handle: '-', account: found.account }];
}

/** The accounts of parties, in the order of their currencies; those that were never opened are left out. */
async function accountsOf(client: SluiceClient, parties: readonly StoredParty[]): Promise<NamedAccount[]> {
  const wanted = parties.flatMap(({ institution, handle, ledgers }) =>
    ledgers.map((ledger) => ({ handle, id: partyAccountId(institution, handle, ledger) })),
  );
  const accounts: NamedAccount[] = [];
  for (let start = 0; start < wanted.length; start += LIMITS.lookupIdsMax) {
    const page = wanted.slice(start, start + LIMITS.lookupIdsMax);
    const found = await client.lookupAccounts(page.map(({ id }) => id));
    for (const [index, { account }] of found.entries()) {
      if (account !== undefined) accounts.push({ handle: page[index]?.handle ?? '-', account });
    }
  }
  return accounts;
}

function readKind(text: string): PartyKind {
  const kind = PARTY_KINDS.find((known) => known === text);
  if (kind === undefined) throw new UsageError(`"${text}" is not a kind: use one of ${PARTY_KINDS.join(', ')}`);
  return kind;
}
