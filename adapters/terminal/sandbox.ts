/**
 * The card switch of a sandbox: one link for acquirers, and cards of its people, with keys that everybody can read here. For trying
 * and testing: whoever reaches the port can pay with play money.
 */
import type { Tr31Header } from './crypto/tr31/header.ts';
import { panToken } from './crypto/vault/pan-token.ts';
import { SecretKey } from './crypto/vault/secret-key.ts';
import { SoftwareVault } from './crypto/vault/software-vault.ts';
import type { TerminalParts } from './open.ts';
import { checkTerminalSetup } from './processing/terminal-file.ts';
import type { CardData } from './simulate/virtual-card.ts';

/** The party that the acquirer's payments go to. */
export const SANDBOX_ACQUIRER = 'acquirer';
export const SANDBOX_CURRENCY = { alphabetic: 'CNY', numeric: 156 } as const;
export const SANDBOX_LINK = 'sandbox';
/** The link to the issuer of other cards, the party that stands for it, and who has such a card. */
export const SANDBOX_ISSUER = 'other-bank';
export const SANDBOX_VISITOR = 'visitor';

const IMK = '12345678123456781234567812345678';
const TOKEN_KEY = '000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F';
const PIN_KEY = '0123456789ABCDEFFEDCBA9876543210';
const PVV_KEY = '89ABCDEF01234567FEDCBA9876543210';
const QUEUE_KEY = '101112131415161718191A1B1C1D1E1F';
const HEADER = {
  version: 'D',
  keyVersion: '00',
  exportability: 'N',
  optional: [],
} as const satisfies Partial<Tr31Header>;

/** Numbers of the range that is our own there. Each passes the check digit. */
const NUMBERS: Readonly<Record<string, string>> = {
  alice: '6228480000000015',
  bob: '6228480000000023',
  carol: '6228480000000031',
  dan: '6228480000000049',
};

/** Of the other bank, with a key of its own. */
const VISITOR = '4761739001010119';
const VISITOR_IMK = 'FEDCBA98765432100123456789ABCDEF';

/** Who has cards of our own. */
export const SANDBOX_HOLDERS: readonly string[] = Object.keys(NUMBERS);

/** What the card of somebody is made of; undefined for who has none. `atc`: payments before. */
export function sandboxCard(holder: string, atc = 0): CardData | undefined {
  const isVisitor = holder === SANDBOX_VISITOR;
  const pan = isVisitor ? VISITOR : NUMBERS[holder];
  if (pan === undefined) return undefined;
  const imk = Buffer.from(isVisitor ? VISITOR_IMK : IMK, 'hex');
  return { scheme: 'visa-cvn10', pan, psn: '01', expiry: '4912', imk, atc };
}

/** By what the switch knows the card of somebody. */
export function sandboxCardToken(holder: string): { readonly token: bigint; readonly lastFour: number } | undefined {
  const pan = NUMBERS[holder];
  if (pan === undefined) return undefined;
  const { token, last4 } = panToken(Buffer.from(TOKEN_KEY, 'hex'), pan);
  return { token: BigInt(`0x${token}`), lastFour: Number(last4) };
}

function key(id: string, usage: string, algorithm: string, mode: string, hex: string): SecretKey {
  return new SecretKey(id, { ...HEADER, usage, algorithm, mode }, Buffer.from(hex, 'hex'));
}

/** The key of the other bank (`imk`), for a simulated issuer. */
export function sandboxIssuerVault(): SoftwareVault {
  return new SoftwareVault([key('imk', 'E0', 'T', 'X', VISITOR_IMK)]);
}

function sandboxVault(): SoftwareVault {
  return new SoftwareVault([
    key('imk', 'E0', 'T', 'X', IMK),
    key('pan-token', 'M7', 'H', 'C', TOKEN_KEY),
    key('terminal-pin', 'P0', 'T', 'B', PIN_KEY),
    key('pvv', 'V2', 'T', 'V', PVV_KEY),
    key('queue', 'D0', 'A', 'B', QUEUE_KEY),
  ]);
}

export interface SandboxAddresses {
  readonly host: string;
  /** Of the link; 0 takes any free one. */
  readonly port: number;
  /** Where an issuer of other cards answers, on this machine. */
  readonly issuerPort?: number | undefined;
}

/** @param institution whose parties the sandbox has */
export function sandboxTerminals(institution: number, { host, port, issuerPort }: SandboxAddresses): TerminalParts {
  const { alphabetic } = SANDBOX_CURRENCY;
  const acquirer = { name: SANDBOX_LINK, role: 'acquirer', spec: 'iso87-ascii', listen: { host, port } };
  const issuer = { name: SANDBOX_ISSUER, role: 'issuer', spec: 'iso87-ascii' };
  const connect = { host: '127.0.0.1', port: issuerPort };
  const hasIssuer = issuerPort !== undefined;
  const checked = checkTerminalSetup(
    {
      institution,
      keys: { file: 'none', master: 'none' },
      links: [acquirer, ...(hasIssuer ? [{ ...issuer, connect, reconnect: { firstMs: 200, mostMs: 2000 } }] : [])],
      settlement: {
        [SANDBOX_LINK]: {
          ...{ accounts: { [alphabetic]: SANDBOX_ACQUIRER }, utcOffset: '+08:00', pins: { key: 'terminal-pin' } },
        },
        ...(hasIssuer ? { [SANDBOX_ISSUER]: { accounts: { [alphabetic]: SANDBOX_ISSUER } } } : {}),
      },
      cards: {
        ...{ tokenKey: 'pan-token', queueKey: 'queue' },
        ranges: [
          { from: '622848', cryptogramKey: 'imk', pin: { method: 'pvv', key: 'pvv' } },
          ...(hasIssuer ? [{ from: '4', issuer: SANDBOX_ISSUER, timeoutMs: 3000 }] : []),
        ],
      },
    },
    '.',
  );
  if ('mistakes' in checked) throw new Error(`the sandbox's setup: ${JSON.stringify(checked.mistakes)}`);
  return { setup: checked.value, vault: sandboxVault() };
}
