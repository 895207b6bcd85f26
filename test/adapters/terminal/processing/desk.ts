/** An acquirer's desk: partitions in memory, a processor in front of them, a card of our own and a terminal. */
import type { CardInput } from '../../../../protocol/codecs/card-codec.ts';
import { parseId } from '../../../../protocol/ids.ts';
import { AccountFlags } from '../../../../protocol/records.ts';
import { panToken } from '../../../../adapters/terminal/crypto/vault/pan-token.ts';
import { SecretKey } from '../../../../adapters/terminal/crypto/vault/secret-key.ts';
import { SoftwareVault } from '../../../../adapters/terminal/crypto/vault/software-vault.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { Bank as CardBank } from '../../../../adapters/terminal/processing/bank.ts';
import { NotOnUs } from '../../../../adapters/terminal/processing/not-on-us.ts';
import { OnUs } from '../../../../adapters/terminal/processing/on-us.ts';
import { Processor } from '../../../../adapters/terminal/processing/processor.ts';
import { checkTerminalSetup, type TerminalSetup } from '../../../../adapters/terminal/processing/terminal-file.ts';
import type { VirtualTerminal } from '../../../../adapters/terminal/simulate/terminal.ts';
import { VirtualCard } from '../../../../adapters/terminal/simulate/virtual-card.ts';
import { Bank } from '../../../support/bank.ts';
import { testTerminal } from '../simulate/till.ts';

export const PAN = '6228480000000017';
export const HOLDER = 100n;
export const SETTLEMENT = 900n;
export const TREASURY = 999n;
export const IMK = '12345678123456781234567812345678';
const IMK_KEY = Buffer.from(IMK, 'hex');
const TOKEN_KEY = Buffer.from('000102030405060708090A0B0C0D0E0F', 'hex');
export const PIN_KEY = Buffer.from('0123456789ABCDEFFEDCBA9876543210', 'hex');
export const CNY = 156;
/** When it all happens, as terminals in tests see it. */
const NOW = Date.UTC(2026, 11, 31, 20, 30, 15);

export const SETUP = {
  institution: 1,
  keys: { file: 'keys.json', master: 'master.key' },
  links: [{ name: 'acq', role: 'acquirer', spec: 'iso87-ascii', listen: { port: 0 } }],
  settlement: { acq: { accounts: { CNY: SETTLEMENT.toString(16).padStart(32, '0') }, pins: { key: 'tpk' } } },
  cards: {
    tokenKey: 'tokens',
    ranges: [{ from: '622848', cryptogramKey: 'imk', pin: { method: 'pvv', key: 'pvv' } }, { from: '622849' }],
  },
};

export function setup(content: object = SETUP): TerminalSetup {
  const checked = checkTerminalSetup(content, '.');
  if ('mistakes' in checked) throw new Error(JSON.stringify(checked.mistakes));
  return checked.value;
}

export function vault(): SoftwareVault {
  const header = { version: 'D', keyVersion: '00', exportability: 'N', optional: [] } as const;
  const key = (id: string, usage: string, algorithm: string, mode: string, bytes: Uint8Array): SecretKey =>
    new SecretKey(id, { ...header, usage, algorithm, mode }, bytes);
  return new SoftwareVault([
    key('imk', 'E0', 'T', 'X', IMK_KEY),
    key('tokens', 'M7', 'H', 'C', TOKEN_KEY),
    key('tpk', 'P0', 'T', 'B', PIN_KEY),
    key('pvv', 'V2', 'T', 'V', PIN_KEY),
    key('zpk', 'P0', 'T', 'B', IMK_KEY),
    key('queue', 'D0', 'A', 'B', TOKEN_KEY),
    key('other-queue', 'D0', 'A', 'B', IMK_KEY),
  ]);
}

export class CardDesk {
  readonly bank: Bank;
  readonly processor: Processor;
  readonly terminal: VirtualTerminal;
  readonly card = new VirtualCard({
    ...{ scheme: 'visa-cvn10', pan: PAN, psn: '01', expiry: '4912', imk: Buffer.from(IMK, 'hex') },
  });
  /** Why messages were refused. */
  readonly notes: string[] = [];

  private constructor(bank: Bank) {
    const { ranges, acquirers, tokenKey } = setup();
    this.bank = bank;
    this.terminal = testTerminal({ pinKey: PIN_KEY, now: () => new Date(NOW) });
    bank.now = NOW * 1000;
    const gate = new CardBank(bank.gateway, 1);
    const notOnUs = new NotOnUs(gate, vault(), tokenKey, new Map());
    this.processor = new Processor({
      ...{ bank: gate, ranges, acquirers, onUs: new OnUs(gate, vault(), tokenKey), notOnUs, nowMs: () => NOW },
      note: (_link, mti, code, problem) => this.notes.push(`${mti} ${code} ${problem}`),
    });
  }

  /** A holder with 1,000.00, and a card with these terms. */
  static async open(partitions = 1, terms: Partial<CardInput> = {}): Promise<CardDesk> {
    const desk = new CardDesk(new Bank(partitions));
    const { debitsMustNotExceedCredits: flags } = AccountFlags;
    const account = { ledger: CNY, code: 1 };
    await desk.bank.accounts(
      1,
      { id: HOLDER, ...account, flags },
      { id: SETTLEMENT, ...account },
      { id: TREASURY, ...account },
    );
    const funding = { id: 1n, debitAccountId: TREASURY, creditAccountId: HOLDER, amount: 100_000n };
    await desk.bank.transfers(1, { ...funding, ledger: CNY, code: 1 });
    const token = parseId(panToken(TOKEN_KEY, PAN).token) ?? 0n;
    await desk.bank.putCards(1, { token, accountId: HOLDER, expiry: 4912, pinTriesMax: 3, ...terms });
    await desk.bank.rest();
    return desk;
  }

  async ask(message: Message): Promise<Message> {
    // As it comes over the wire: nothing of the sender's objects is shared.
    const answer = await this.processor.answer('acq', message.translate(message.spec));
    if (answer === undefined) throw new Error(`${message.mti} is not answered`);
    const encoded = answer.encode();
    if (!encoded.ok) throw new Error(`the answer does not fit: ${JSON.stringify(encoded)}`);
    return answer;
  }

  /** What the holder has and the acquirer gets, minor units: [posted, held]. */
  async money(): Promise<{ holder: number; held: number; acquirer: number }> {
    await this.bank.rest();
    const [held = 0, debits = 0, , credits = 0] = await this.bank.balances(HOLDER);
    const [, paid = 0, , got = 0] = await this.bank.balances(SETTLEMENT);
    return { holder: credits - debits, held, acquirer: got - paid };
  }
}
