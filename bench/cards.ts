/** The cards that card messages are measured with, and the setup of the switch for them. The keys protect nothing. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Tr31Header } from '../adapters/terminal/crypto/tr31/header.ts';
import { wrapKey } from '../adapters/terminal/crypto/tr31/key-block.ts';
import { panToken } from '../adapters/terminal/crypto/vault/pan-token.ts';
import { TripleDes } from '../adapters/terminal/crypto/triple-des.ts';
import type { CardData } from '../adapters/terminal/simulate/virtual-card.ts';
import type { SluiceClient } from '../protocol/client/client.ts';
import type { Result } from '../protocol/codecs/result-codec.ts';
import { formatId } from '../protocol/ids.ts';
import { LIMITS } from '../protocol/limits.ts';
import { AccountFlags } from '../protocol/records.ts';
import { benchAccount, LEDGER } from './accounts.ts';

export const CARD_LINK_SPEC = 'iso87-bcd';
const CARD_LINK_MAC = { key: 'link-mac', algorithm: 'retail' } as const;
const IMK = Buffer.from('12345678123456781234567812345678', 'hex');
const TOKEN_KEY = Buffer.from('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F', 'hex');
const MAC_KEY = Buffer.from('0123456789ABCDEFFEDCBA9876543210', 'hex');
const MASTER = Buffer.from('88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6', 'hex');
const HEADER = {
  version: 'D',
  keyVersion: '00',
  exportability: 'N',
  optional: [],
} as const satisfies Partial<Tr31Header>;
const RANGE = '622848';
const MONEY = 10_000_000_000n;
const CODE = 1;
/** Accounts with numbers from here on are the bench's own. */
const HOUSES = 4_000_000;

/** A card by its number, from 0. */
export function benchCard(number: number): CardData {
  const pan = `${RANGE}${String(number).padStart(10, '0')}`;
  return { scheme: 'visa-cvn18', pan, psn: '01', expiry: '4912', imk: IMK };
}

/** The key of the link, as the terminals have it. */
export function linkMac(): TripleDes {
  return new TripleDes(MAC_KEY);
}

export interface CardSetup {
  readonly file: string;
  readonly port: number;
}

/** Writes the setup and its keys into an empty folder. */
export async function writeCardSetup(directory: string): Promise<CardSetup> {
  const port = await freePort();
  const block = (usage: string, algorithm: string, mode: string, key: Uint8Array): string => {
    const wrapped = wrapKey(MASTER, { ...HEADER, usage, algorithm, mode }, key);
    if (!wrapped.ok) throw new Error(wrapped.problem);
    return wrapped.block;
  };
  const keys = [
    { id: 'imk', usage: 'E0', block: block('E0', 'T', 'X', IMK) },
    { id: 'pan-token', usage: 'M7', block: block('M7', 'H', 'C', TOKEN_KEY) },
    { id: CARD_LINK_MAC.key, usage: 'M3', block: block('M3', 'T', 'C', MAC_KEY) },
  ];
  writeFileSync(join(directory, 'keys.json'), JSON.stringify({ format: 1, keys }));
  writeFileSync(join(directory, 'master.key'), MASTER.toString('hex'), { mode: 0o600 });
  const listen = { host: '127.0.0.1', port };
  const link = { name: 'bench', role: 'acquirer', spec: CARD_LINK_SPEC, mac: CARD_LINK_MAC, window: 4096, listen };
  const file = join(directory, 'terminal.json');
  const setup = {
    keys: { file: 'keys.json', master: 'master.key' },
    links: [link],
    settlement: { bench: { accounts: { EUR: formatId(benchAccount(HOUSES).id) } } },
    cards: { tokenKey: 'pan-token', ranges: [{ from: RANGE, cryptogramKey: 'imk' }] },
  };
  writeFileSync(file, JSON.stringify(setup));
  return { file, port };
}

/** Accounts that cannot spend more than they have, each with a card. */
export async function setUpCards(client: SluiceClient, count: number): Promise<void> {
  const settlement = benchAccount(HOUSES).id;
  const treasury = benchAccount(HOUSES + 1).id;
  const holders = Array.from({ length: count }, (_, number) => benchAccount(number).id);
  const account = (id: bigint, flags: number) => ({ id, ledger: LEDGER, code: CODE, flags });
  const { debitsMustNotExceedCredits } = AccountFlags;
  expectOk(await client.createAccounts([settlement, treasury].map((id) => account(id, 0))));
  for (let start = 0; start < count; start += LIMITS.recordsPerFrameMax) {
    const page = holders.slice(start, start + LIMITS.recordsPerFrameMax);
    expectOk(await client.createAccounts(page.map((id) => account(id, debitsMustNotExceedCredits))));
    const money = page.map((creditAccountId, index) => ({
      ...{ id: benchAccount(HOUSES + 2 + start + index).id, debitAccountId: treasury, creditAccountId },
      ...{ amount: MONEY, ledger: LEDGER, code: CODE },
    }));
    expectOk(await client.createTransfers(money));
    const cards = page.map((accountId, index) => {
      const { token } = panToken(TOKEN_KEY, benchCard(start + index).pan);
      return { token: BigInt(`0x${token}`), accountId, expiry: 4912, pinTriesMax: 3 };
    });
    expectOk(await client.cards.put(cards));
  }
}

function expectOk(results: readonly Result[]): void {
  const refused = results.find(({ name }) => name !== 'ok');
  if (refused !== undefined) throw new Error(`the cards could not be set up: ${refused.name}`);
}

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
