/**
 * The sandbox: people, shops and money to try the switch with.
 *
 * Every id is derived from a name, so opening it again finds what is there and moves nothing twice. The funding
 * transfers come last: when they are all decided, the rest is there as well and nothing is sent.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { connectNode } from '../../protocol/client/node.ts';
import type { Result } from '../../protocol/codecs/result-codec.ts';
import type { TransferInput } from '../../protocol/codecs/transfer-codec.ts';
import { SCOPES } from '../../protocol/commands.ts';
import { deriveId, formatId, partyAccountId } from '../../protocol/ids.ts';
import { AccountFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { KeyStore } from '../admission/key-store.ts';
import { sandboxInstitution } from '../admission/sandbox-institution.ts';
import type { Config } from '../config/options.ts';
import { OPTIONS } from '../config/options.ts';
import { defaultRuleSet } from '../risk/read-rule-file.ts';
import { accountInput, openAccounts } from './accounts.ts';
import { CommandFailure } from './errors.ts';
import { explain } from './results.ts';
import {
  CAMPAIGN,
  FEES,
  SANDBOX_CAMPAIGN,
  SANDBOX_COUNTERS,
  SANDBOX_CURRENCIES,
  SANDBOX_PARTIES,
  SANDBOX_SELLER,
  startingMoney,
  TREASURY,
} from './sandbox-cast.ts';
import { DEFAULT_URL, institutionOf, SANDBOX_KEY_FILE } from './session.ts';

const FUNDING_CODE = 2;

export interface SandboxOpened {
  /** Whether anything was created; false when it had been opened before. */
  readonly created: boolean;
}

/**
 * Writes the key of the sandbox, connects with it and opens the sandbox. The switch must be listening at `url`.
 *
 * @param alsoOpen what adapters have in the sandbox
 */
export async function startSandbox(
  where: { readonly url: string; readonly dataDir: string },
  alsoOpen: (client: SluiceClient) => Promise<void> = () => Promise.resolve(),
): Promise<SandboxOpened> {
  const key = await ensureSandboxKey(where.dataDir);
  const client = await connectNode({ url: where.url, key, name: 'sluice sandbox' });
  try {
    const opened = await openSandbox(client);
    await alsoOpen(client);
    return opened;
  } finally {
    await client.close();
  }
}

/** The sandbox's key: the one in the data directory when it still opens, else a new one. */
export async function ensureSandboxKey(dataDir: string): Promise<string> {
  const store = KeyStore.open({ directory: join(dataDir, 'control'), nowMs: Date.now });
  try {
    const path = join(dataDir, SANDBOX_KEY_FILE);
    const present = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
    if (store.authenticate(present) !== undefined) return present;
    const { text } = store.createKey({ institution: sandboxInstitution(store), scopes: SCOPES, label: 'sandbox' });
    writeFileSync(path, `${text}\n`, { mode: 0o600 });
    // The mode above counts only for a file that is new.
    chmodSync(path, 0o600);
    return text;
  } finally {
    await store.close();
  }
}

/** Creates everyone and everything that is not there yet. Throws CommandFailure when the switch declines. */
export async function openSandbox(client: SluiceClient): Promise<SandboxOpened> {
  const institution = institutionOf(client);
  const transfers = fundingTransfers(institution);
  const funded = await client.lookupTransfers(transfers.map(({ id }) => id));
  // Whoever opened the sandbox before there were counters gets them as well; the same again changes nothing.
  if (funded.every(({ code }) => code === Code.ok)) {
    await putCounters(client);
    return { created: false };
  }

  await openAccounts(client, sandboxAccounts(institution));
  for (const { numeric, tariff } of SANDBOX_CURRENCIES) {
    const feeAccountId = formatId(partyAccountId(institution, FEES, numeric));
    expect(await client.putTariff({ ...tariff, maximum: 0, feeAccountId }), `tariff ${tariff.number}`);
  }
  const { ledger, budget: _, ...terms } = SANDBOX_CAMPAIGN;
  const accountId = formatId(partyAccountId(institution, CAMPAIGN, ledger));
  expect(await client.putCampaign({ ...terms, accountId, startsAt: 0, endsAt: 0 }), `campaign ${CAMPAIGN}`);
  const ledgers = SANDBOX_CURRENCIES.map(({ numeric }) => numeric);
  for (const party of SANDBOX_PARTIES) expect(await client.putParty({ ...party, ledgers }), party.handle);
  const campaign = { handle: CAMPAIGN, kind: 'house', name: '', mcc: 0, ledgers: [ledger] } as const;
  expect(await client.putParty(campaign), CAMPAIGN);

  await putCounters(client);
  expect(await client.activateRules({ ruleSet: defaultRuleSet() }), 'risk rules');

  const results = await client.createTransfers(transfers);
  for (const result of results) expect(result, 'money for the sandbox');
  return { created: true };
}

/** A code for each merchant, and one for a person. */
async function putCounters(client: SluiceClient): Promise<void> {
  const shown = SANDBOX_PARTIES.filter(({ handle, kind }) => kind === 'merchant' || handle === SANDBOX_SELLER);
  for (const { handle } of shown) {
    expect(await client.registry('putCounters', { ...SANDBOX_COUNTERS, handle }), `counters of ${handle}`);
  }
}

function sandboxAccounts(institution: number): ReturnType<typeof accountInput>[] {
  const accounts = SANDBOX_CURRENCIES.flatMap(({ numeric, tariff }) =>
    SANDBOX_PARTIES.map((party) =>
      accountInput(institution, party, numeric, party.kind === 'merchant' ? { tariff: tariff.number } : {}),
    ),
  );
  const campaign = accountInput(institution, { handle: CAMPAIGN, kind: 'house' }, SANDBOX_CAMPAIGN.ledger);
  // A budget ends: this house account cannot go below zero.
  return [...accounts, { ...campaign, flags: AccountFlags.debitsMustNotExceedCredits }];
}

function fundingTransfers(institution: number): TransferInput[] {
  const fund = (handle: string, ledger: number, amount: bigint): TransferInput => ({
    id: deriveId('sandbox-funding', String(institution), handle, String(ledger)),
    debitAccountId: partyAccountId(institution, TREASURY, ledger),
    creditAccountId: partyAccountId(institution, handle, ledger),
    amount,
    ledger,
    code: FUNDING_CODE,
  });
  const funded = SANDBOX_PARTIES.filter(({ kind }) => kind !== 'house');
  return [
    ...SANDBOX_CURRENCIES.flatMap((currency) =>
      funded.map(({ handle, kind }) => fund(handle, currency.numeric, startingMoney(kind, currency))),
    ),
    fund(CAMPAIGN, SANDBOX_CAMPAIGN.ledger, SANDBOX_CAMPAIGN.budget),
  ];
}

/** Three commands that work as printed, whatever this switch's port and data directory are. */
export function sandboxCommands(config: Pick<Config, 'dataDir'>, port: number): readonly string[] {
  const url =
    port === OPTIONS.port.default ? '' : ` --url ${DEFAULT_URL.replace(String(OPTIONS.port.default), String(port))}`;
  const dataDir = config.dataDir === OPTIONS.dataDir.default ? '' : ` --data-dir ${quoted(config.dataDir)}`;
  return [
    'pay alice cafe 4.50 EUR --reference coffee-1',
    'pay bob bookshop 128.00 CNY --campaign welcome',
    'account show alice',
  ].map((words) => `npx sluice ${words}${url}${dataDir}`);
}

/** A word of a shell command. */
function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function expect(result: Result, what: string): void {
  if (result.code !== Code.ok) throw new CommandFailure(`${what}: ${explain(result, 'en')}`);
}
