// Messages of a simulated terminal: each kind of transaction with its fields, and every one can be written and read.
import { describe, expect, it } from 'vitest';
import { retailMac } from '../../../../adapters/terminal/crypto/mac.ts';
import { decodeMessage } from '../../../../adapters/terminal/iso8583/decode.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { LinkMac } from '../../../../adapters/terminal/link/link-mac.ts';
import { originalElements } from '../../../../adapters/terminal/simulate/terminal.ts';
import { pinOf } from '../../../../adapters/terminal/crypto/pin/pin-block.ts';
import { hex } from '../../../support/seeded-bytes.ts';
import { answerOf, MAC_KEY, specNamed, testVault } from '../link/harness.ts';
import { made, testCard, testTerminal } from './till.ts';

function fieldsOf(message: Message, ...numbers: number[]): (string | undefined)[] {
  return numbers.map((number) => message.text(number));
}

describe.each(['iso87-ascii', 'iso87-bcd'])('in %s', (name) => {
  it('every message can be written, and says the same when it is read', () => {
    const terminal = testTerminal({ spec: specNamed(name), pinKey: hex(MAC_KEY) });
    const card = testCard();
    const purchase = made(terminal.purchase(card, 1250, { contactless: true, pin: pinOf('1234') ?? new Uint8Array() }));
    const preauthorisation = made(terminal.preauthorise(card, 5000));
    const messages = [
      purchase,
      made(terminal.cash(card, 20_000)),
      made(terminal.purchaseWithCashback(card, 3000, 1000)),
      made(terminal.refund(card, 100)),
      made(terminal.balance(card)),
      preauthorisation,
      terminal.complete(preauthorisation, answerOf(preauthorisation).set(38, '000123'), 4000),
      terminal.reverse(purchase, '0400'),
      terminal.reverse(purchase, '0420', 250),
      terminal.repeat(purchase),
      terminal.reconcile({ debits: 2, debitMinor: 21_250, credits: 1, creditMinor: 100 }),
      terminal.network('echo'),
    ];
    for (const message of messages) {
      const encoded = message.encode();
      const decoded = encoded.ok ? decodeMessage(message.spec, encoded.bytes) : expect.fail(encoded.problem.field);
      expect(decoded.ok, message.mti).toBe(true);
      expect(decoded.message.numbers()).toEqual(message.numbers());
      expect([decoded.message.mti, decoded.message.text(11), decoded.message.text(4)]).toEqual([
        message.mti,
        message.text(11),
        message.text(4),
      ]);
    }
    const stans = messages.map((message) => message.text(11));
    expect(stans).toEqual(
      ['01', '03', '04', '05', '06', '02', '07', '08', '09', '01', '10', '11'].map((stan) => `0000${stan}`),
    );
  });
});

describe('a message', () => {
  const terminal = testTerminal({ utcOffsetMinutes: 480, stan: 999_998 });
  const card = testCard();

  it('has time in UTC and where the terminal stands, and a reference of both', () => {
    // 2026-12-31 20:30:15 UTC is already next year eight hours to the east.
    const purchase = made(terminal.purchase(card, 1250));
    expect(fieldsOf(purchase, 7, 11, 12, 13, 37)).toEqual(['1231203015', '999999', '043015', '0101', '700104999999']);
    expect(made(terminal.purchase(card, 1)).text(11)).toBe('000001');
  });

  it.each([
    ['purchase', () => terminal.purchase(card, 1250), ['0200', '000000', '000000001250', '00']],
    ['cash', () => terminal.cash(card, 1250), ['0200', '010000', '000000001250', '00']],
    ['cashback', () => terminal.purchaseWithCashback(card, 1250, 250), ['0200', '090000', '000000001250', '00']],
    ['refund', () => terminal.refund(card, 1250), ['0200', '200000', '000000001250', '00']],
    ['balance', () => terminal.balance(card), ['0100', '310000', '000000000000', '00']],
    ['preauthorisation', () => terminal.preauthorise(card, 1250), ['0100', '000000', '000000001250', '06']],
  ] as const)('%s', (_name, make, expected) => {
    const message = made(make());
    expect([message.mti, ...fieldsOf(message, 3, 4, 25)]).toEqual(expected);
    expect(fieldsOf(message, 41, 42, 32, 49)).toEqual(['T0000001', 'M0000001', '12345', '156']);
  });

  it('with cashback says how much of it is cash, to the card as well', () => {
    const message = made(terminal.purchaseWithCashback(card, 1250, 250));
    expect(message.text(54)).toBe('0040156D000000000250');
    expect(Buffer.from(message.bytes(55) ?? []).toString('hex')).toContain('9f0306000000000250');
  });

  it('about another names it, and has its reference, not its card data', () => {
    const purchase = made(terminal.purchase(card, 1250));
    const reversal = terminal.reverse(purchase, '0420', 250);
    expect(reversal.text(90)).toBe(`0200${purchase.text(11)}12312030150000001234500000000000`);
    expect(reversal.text(90)).toBe(originalElements(purchase));
    expect(reversal.text(95)).toBe('000000000250000000000000C00000000C00000000');
    expect(reversal.text(37)).toBe(purchase.text(37));
    expect([35, 52, 55].filter((number) => reversal.has(number))).toEqual([]);
    const held = made(terminal.preauthorise(card, 1000));
    const completion = terminal.complete(held, answerOf(held).set(38, '000123'), 900);
    expect([completion.mti, ...fieldsOf(completion, 4, 38, 90)]).toEqual([
      '0220',
      '000000000900',
      '000123',
      originalElements(held),
    ]);
  });

  it('repeated is the same but for its type', () => {
    const purchase = made(terminal.purchase(card, 1250));
    const repeated = terminal.repeat(purchase);
    const [first, second] = [purchase.encode(), repeated.encode()];
    if (!first.ok || !second.ok) return expect.fail('cannot be written');
    expect([repeated.mti, second.bytes.subarray(4).equals(first.bytes.subarray(4))]).toEqual(['0201', true]);
  });

  it('of the end of the day has what was counted', () => {
    const totals = { debits: 2, debitMinor: 300, credits: 3, creditMinor: 1000 };
    expect(fieldsOf(terminal.reconcile(totals), 74, 76, 86, 88, 97)).toEqual([
      '3',
      '2',
      '1000',
      '300',
      `C${'700'.padStart(16, '0')}`,
    ]);
  });

  it('gets a MAC where the link has one', async () => {
    const rules = { key: 'link-mac', algorithm: 'retail', bytes: 8, padding: 1 } as const;
    const sealed = await terminal.seal(made(terminal.purchase(card, 1)), new LinkMac(testVault(), rules));
    const bytes = sealed.ok ? sealed.bytes : expect.fail('not sealed');
    const mac = Buffer.from(retailMac(hex(MAC_KEY), bytes.subarray(0, -16), 1))
      .toString('hex')
      .toUpperCase();
    expect(bytes.toString('latin1', bytes.length - 16)).toBe(mac);
    const plain = await terminal.seal(made(terminal.purchase(card, 1)), undefined);
    expect(plain.ok && plain.bytes.toString('latin1', 0, 4)).toBe('0200');
  });

  it('is not made for an amount that is none, or a PIN without a key for it', () => {
    for (const amount of [-1, 0.5, 1e12]) expect(terminal.purchase(card, amount)).toMatchObject({ ok: false });
    const pin = pinOf('1234') ?? new Uint8Array();
    expect(terminal.purchase(card, 1, { pin })).toMatchObject({ problem: 'this terminal has no key for PINs' });
  });
});
