// Card messages to payments: the money moves once, whatever is repeated, reversed or overtaken, in one partition and in several.
import { describe, expect, it } from 'vitest';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { parseTlv } from '../../../../adapters/terminal/tlv/tlv.ts';
import { expectRecovered } from '../../../support/recovered.ts';
import { made } from '../simulate/till.ts';
import { CardDesk } from './desk.ts';

const code = (answer: Message): string | undefined => answer.text(39);
const FULL = { holder: 100_000, held: 0, acquirer: 0 };

describe.each([1, 2, 3])('with %i partitions', (partitions) => {
  it('a tap with a right cryptogram pays once, and the card can check who answered', async () => {
    const desk = await CardDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 1250, { contactless: true }));
    const answer = await desk.ask(purchase);
    expect([answer.mti, code(answer), answer.text(4), answer.text(38)]).toEqual([
      ...['0210', '00', '000000001250', expect.stringMatching(/^\d{6}$/)],
    ]);
    expect(desk.card.checkAnswer(answer.bytes(55))).toBe('right');
    for (const number of [35, 52]) expect(answer.has(number)).toBe(false);
    expect(await desk.money()).toEqual({ holder: 98_750, held: 0, acquirer: 1250 });
    expectRecovered(desk.bank.partitions);
  });

  it('a repeat gets the answer of its original, also while that is under way', async () => {
    const desk = await CardDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    const [first, meanwhile] = await Promise.all([desk.ask(purchase), desk.ask(desk.terminal.repeat(purchase))]);
    const later = await desk.ask(desk.terminal.repeat(purchase));
    for (const answer of [meanwhile, later]) {
      expect([answer.mti, code(answer), answer.text(38)]).toEqual(['0210', '00', first.text(38)]);
    }
    expect(await desk.money()).toMatchObject({ acquirer: 1250 });
  });

  it('the same key with other content is a duplicate', async () => {
    const desk = await CardDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    const other = made(desk.terminal.purchase(desk.card, 1251));
    for (const number of [7, 11]) other.set(number, purchase.text(number) ?? '');
    await desk.ask(purchase);
    expect(code(await desk.ask(other))).toBe('94');
    expect(await desk.money()).toMatchObject({ acquirer: 1250 });
  });

  it('a reversal gives all back, once, by 0400 and 0420 and their repeats', async () => {
    const desk = await CardDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    await desk.ask(purchase);
    const reversals = [desk.terminal.reverse(purchase, '0400'), desk.terminal.reverse(purchase, '0420')];
    for (const reversal of [...reversals, ...reversals.map((one) => desk.terminal.repeat(one))]) {
      expect(code(await desk.ask(reversal))).toBe('00');
      expect(await desk.money()).toEqual(FULL);
    }
    expectRecovered(desk.bank.partitions);
  });

  it('a reversal in part gives back what the replacement leaves', async () => {
    const desk = await CardDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    await desk.ask(purchase);
    const partly = desk.terminal.reverse(purchase, '0400', 1000);
    expect([code(await desk.ask(partly)), code(await desk.ask(desk.terminal.repeat(partly)))]).toEqual(['00', '00']);
    expect(await desk.money()).toEqual({ holder: 99_000, held: 0, acquirer: 1000 });
    expect(code(await desk.ask(desk.terminal.reverse(purchase, '0400', 1251)))).toBe('64');
  });

  it('a reversal that overtakes its original has it declined when it comes', async () => {
    const desk = await CardDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    const reversal = desk.terminal.reverse(purchase, '0420');
    expect(code(await desk.ask(reversal))).toBe('00');
    expect(code(await desk.ask(desk.terminal.repeat(reversal)))).toBe('00');
    expect(code(await desk.ask(purchase))).not.toBe('00');
    expect(code(await desk.ask(desk.terminal.repeat(purchase)))).not.toBe('00');
    expect(await desk.money()).toEqual(FULL);
  });

  it('a reversal whose field 90 says nothing is found by its reference and amount', async () => {
    const desk = await CardDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    await desk.ask(purchase);
    const vague = desk.terminal.reverse(purchase, '0400').set(90, '0'.repeat(42));
    const wrong = desk.terminal.reverse(purchase, '0400').set(90, '0'.repeat(42)).set(4, '000000001251');
    expect(code(await desk.ask(wrong))).toBe('64');
    expect(code(await desk.ask(vague.translate(vague.spec).set(37, '999999999999')))).toBe('25');
    expect(code(await desk.ask(vague))).toBe('00');
    expect(await desk.money()).toEqual(FULL);
  });

  it('a preauthorisation holds, its completion takes what it says and releases the rest', async () => {
    const desk = await CardDesk.open(partitions);
    const held = made(desk.terminal.preauthorise(desk.card, 5000));
    const answer = await desk.ask(held);
    expect([answer.mti, code(answer)]).toEqual(['0110', '00']);
    expect(await desk.money()).toEqual({ holder: 100_000, held: 5000, acquirer: 0 });
    const completion = desk.terminal.complete(held, answer, 4200);
    expect(code(await desk.ask(completion))).toBe('00');
    expect(code(await desk.ask(desk.terminal.repeat(completion)))).toBe('00');
    expect(await desk.money()).toEqual({ holder: 95_800, held: 0, acquirer: 4200 });
  });

  it('a completion of a payment that is not of the card is refused', async () => {
    const desk = await CardDesk.open(partitions);
    const refund = made(desk.terminal.refund(desk.card, 700));
    const completion = desk.terminal.complete(refund, await desk.ask(refund), 700).set(3, '000000');
    expect(code(await desk.ask(completion))).toBe('25');
    expect(await desk.money()).toMatchObject({ acquirer: -700 });
  });

  it('a completion is reversed by its own reference, with what it took', async () => {
    const desk = await CardDesk.open(partitions);
    const held = made(desk.terminal.preauthorise(desk.card, 5000));
    const completion = desk.terminal.complete(held, await desk.ask(held), 4200);
    expect(code(await desk.ask(completion))).toBe('00');
    expect(code(await desk.ask(desk.terminal.reverse(held, '0400')))).toBe('12');
    const wrong = desk.terminal.reverse(completion, '0420').set(4, '000000004300');
    expect(code(await desk.ask(wrong))).toBe('64');
    expect(await desk.money()).toMatchObject({ acquirer: 4200 });
    expect(code(await desk.ask(desk.terminal.reverse(completion, '0420')))).toBe('00');
    expect(await desk.money()).toEqual(FULL);
  });

  it('a reversal with another amount than its original has is refused', async () => {
    const desk = await CardDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    await desk.ask(purchase);
    expect(code(await desk.ask(desk.terminal.reverse(purchase, '0400').set(4, '000000001249')))).toBe('64');
    expect(await desk.money()).toMatchObject({ acquirer: 1250 });
  });

  it('a refund comes from the acquirer, and can be reversed', async () => {
    const desk = await CardDesk.open(partitions);
    const refund = made(desk.terminal.refund(desk.card, 700));
    expect(code(await desk.ask(refund))).toBe('00');
    expect(await desk.money()).toEqual({ holder: 100_700, held: 0, acquirer: -700 });
    expect(code(await desk.ask(desk.terminal.reverse(refund, '0400')))).toBe('00');
    expect(await desk.money()).toEqual(FULL);
  });
});

describe('a message is declined', () => {
  const decline = async (change: (message: Message) => unknown, terms: object = {}): Promise<string | undefined> => {
    const desk = await CardDesk.open(1, terms);
    const message = made(desk.terminal.purchase(desk.card, 1250, { contactless: true }));
    change(message);
    const answer = await desk.ask(message);
    expect(await desk.money()).toEqual(FULL);
    expect(desk.notes.join()).not.toContain('0000000017');
    return code(answer);
  };

  it.each<[string, string, (message: Message) => unknown, object?]>([
    ['63', 'another amount than the card has signed', (m) => m.set(4, '000000001251')],
    ['63', 'another currency than the card has signed', (m) => m.set(49, '156').set(55, signed(m, 0x5f2a, '0840'))],
    ['63', 'a wrong cryptogram', (m) => m.set(55, signed(m, 0x9f26, '1122334455667788'))],
    ['63', 'chip data without a cryptogram', (m) => m.set(55, without(m, 0x9f26))],
    ['63', 'a counter of zero', (m) => m.set(55, signed(m, 0x9f36, '0000'))],
    ['30', 'no chip data at a tap', (m) => m.delete(55)],
    ['30', 'two cards', (m) => m.set(2, '6228480000000025')],
    ['30', 'no trace number', (m) => m.delete(11)],
    ['30', 'a time that is none', (m) => m.set(7, '1331203015')],
    ['13', 'no amount', (m) => m.set(4, '000000000000')],
    ['40', 'an unknown transaction', (m) => m.set(3, '990000')],
    ['57', 'a currency without a settlement account', (m) => m.set(49, '840').set(55, signed(m, 0x5f2a, '0840'))],
    ['57', 'a stripe, where only chips are read', (m) => m.set(22, '021').delete(55)],
    ['41', 'a card that was lost', () => undefined, { state: 'lost' }],
    ['54', 'a card that was replaced', () => undefined, { expiry: 4911 }],
    ['1A', 'more than may be tapped', () => undefined, { unverifiedAmountMax: 1249n }],
  ])('%s: %s', async (expected, _what, change, terms) => {
    expect(await decline(change, terms)).toBe(expected);
  });

  it('an amount in the chip data that is no decimal number is none, whatever its digits come to', async () => {
    const desk = await CardDesk.open();
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    purchase.set(55, signed(purchase, 0x9f02, '00000000124A'));
    expect(code(await desk.ask(purchase))).toBe('63');
    expect(desk.notes.join()).toContain('another amount (9F02)');
  });

  it('14 and 15: a card that nobody knows, and a number of nobody', async () => {
    const desk = await CardDesk.open();
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    const other = (pan: string): Message => purchase.translate(purchase.spec).set(2, pan).delete(35).set(22, '051');
    expect(code(await desk.ask(other('4276555555555555')))).toBe('15');
    expect(code(await desk.ask(other('6228490000000016')))).toBe('96');
    expect(code(await desk.ask(desk.terminal.reverse(other('6228490000000016'), '0400')))).toBe('14');
  });

  it('51: there is not enough money, and 63 when the same tap is sent as another payment', async () => {
    const desk = await CardDesk.open();
    const first = made(desk.terminal.purchase(desk.card, 100_001));
    const declined = await desk.ask(first);
    expect(code(declined)).toBe('51');
    // The proof for the card (91) is over the code that the terminal hears (8A), not over an approval.
    const { tlv } = parseTlv(declined.bytes(55) ?? new Uint8Array(0));
    expect(Buffer.from(tlv.get(0x91)?.subarray(8) ?? []).toString('latin1')).toBe('51');
    expect(desk.card.checkAnswer(declined.bytes(55))).toBe('right');
    const again = first.translate(first.spec).set(11, '999999');
    expect(code(await desk.ask(again))).toBe('63');
    expect(await desk.money()).toEqual(FULL);
  });
});

describe('reconciliation', () => {
  it('has the totals of the ledger, and says when they are not those that were sent', async () => {
    const desk = await CardDesk.open(2);
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    await desk.ask(purchase);
    await desk.ask(made(desk.terminal.purchase(desk.card, 800)));
    await desk.ask(made(desk.terminal.refund(desk.card, 300)));
    await desk.ask(desk.terminal.reverse(purchase, '0400'));
    await desk.bank.rest();
    const sent = { debits: 2, debitMinor: 2050, credits: 1, creditMinor: 300 };
    const totals = desk.terminal.reconcile(sent).set(77, '1').set(89, '1250').set(97, 'D0000000000000500');
    const answer = await desk.ask(totals);
    expect([answer.mti, code(answer), answer.text(66)]).toEqual(['0510', '00', '1']);
    const fields = [74, 75, 76, 77, 86, 87, 88, 89].map((number) => Number(answer.text(number)));
    expect(fields).toEqual([1, 0, 2, 1, 300, 0, 2050, 1250]);
    const off = await desk.ask(desk.terminal.reconcile({ ...sent, debitMinor: 2051 }));
    expect([code(off), off.text(66), off.text(97)]).toEqual(['95', '2', 'D0000000000000500']);
    const yesterday = await desk.ask(desk.terminal.reconcile(sent).set(15, '1230'));
    expect([code(yesterday), Number(yesterday.text(76))]).toEqual(['95', 0]);
  });
});

/** Field 55 with another value of a tag. */
function signed(message: Message, tag: number, hex: string): Uint8Array {
  const bytes = message.bytes(55) ?? new Uint8Array(0);
  const parsed = parseTlv(bytes);
  const { tlv } = parsed;
  tlv.set(tag, Buffer.from(hex, 'hex'));
  return tlv.encode();
}

/** Field 55 without a tag. */
function without(message: Message, tag: number): Uint8Array {
  const { tlv } = parseTlv(message.bytes(55) ?? new Uint8Array(0));
  tlv.delete(tag);
  return tlv.encode();
}
