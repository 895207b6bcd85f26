// Cards of other issuers: whatever becomes of the issuer and of this switch, both end up with the same money.
import { afterEach, describe, expect, it } from 'vitest';
import { pinOf } from '../../../../adapters/terminal/crypto/pin/pin-block.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { closeAll } from '../link/harness.ts';
import { made } from '../simulate/till.ts';
import { IssuerDesk } from './issuer-desk.ts';

afterEach(closeAll);

const NOTHING = { heldMinor: 0, netMinor: 0 };
const taken = (netMinor: number) => ({ heldMinor: 0, netMinor });

async function expectAgreed(desk: IssuerDesk, owed: object): Promise<void> {
  await desk.allTold();
  expect(await desk.owed()).toEqual(owed);
  expect(desk.booked()).toEqual(owed);
}

describe.each([1, 3])('with %i partitions', (partitions) => {
  it('an approved purchase is owed by the issuer, with its approval code and its answer to the card', async () => {
    const desk = await IssuerDesk.open(partitions);
    const answer = await desk.ask(
      made(desk.terminal.purchase(desk.card, 1250, { pin: pinOf('1234') ?? expect.fail() })),
    );
    expect([answer.text(39), answer.text(38)]).toEqual(['00', expect.stringMatching(/^\d{6}$/)]);
    expect(desk.card.checkAnswer(answer.bytes(55))).toBe('right');
    await expectAgreed(desk, taken(1250));
    expect(await desk.waiting()).toEqual([]);
  });

  it('a declined one is owed by nobody, and the terminal hears why', async () => {
    const desk = await IssuerDesk.open(partitions);
    expect(await desk.code(made(desk.terminal.purchase(desk.card, 9051)))).toBe('51');
    await expectAgreed(desk, NOTHING);
  });

  it('is approved in part', async () => {
    const desk = await IssuerDesk.open(partitions);
    const answer = await desk.ask(made(desk.terminal.purchase(desk.card, 19_108)));
    expect([answer.text(39), answer.text(4)]).toEqual(['10', '000000009554']);
    await expectAgreed(desk, taken(9554));
    const held = made(desk.terminal.preauthorise(desk.card, 19_108));
    expect(await desk.code(held)).toBe('10');
    expect(desk.booked()).toEqual({ heldMinor: 9554, netMinor: 9554 });
    expect(await desk.code(desk.terminal.reverse(held, '0400').set(4, '000000009554'))).toBe('00');
    await expectAgreed(desk, taken(9554));
  });

  it('a repeat gets the answer of its original, while that is under way and later', async () => {
    const desk = await IssuerDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 9100));
    const [first, meanwhile] = await Promise.all([desk.ask(purchase), desk.ask(desk.terminal.repeat(purchase))]);
    const later = await desk.ask(desk.terminal.repeat(purchase));
    expect([meanwhile.text(38), later.text(38), later.text(39)]).toEqual([first.text(38), first.text(38), '00']);
    const copy = (): Message => purchase.translate(purchase.spec);
    expect(await desk.code(copy().set(4, '000000000001'))).toBe('94');
    expect(await desk.code(copy().set(2, '4761739001010127').delete(35).delete(55).set(22, '012'))).toBe('94');
    await expectAgreed(desk, taken(9100));
  });

  it('a repeat after a restart is answered by what is left', async () => {
    const desk = await IssuerDesk.open(partitions);
    const [bought, declined] = [1250, 9051].map((amount) => made(desk.terminal.purchase(desk.card, amount)));
    const held = made(desk.terminal.preauthorise(desk.card, 700));
    const messages = [bought, declined, held].map((message) => message ?? expect.fail());
    for (const message of messages) await desk.ask(message);
    await desk.crash();
    await desk.start();
    const codes = [];
    for (const message of messages) codes.push(await desk.code(desk.terminal.repeat(message)));
    expect(codes).toEqual(['00', '05', '00']);
    await expectAgreed(desk, { heldMinor: 700, netMinor: 1250 });
  });

  it('a preauthorisation is held until its completion, which the issuer hears of', async () => {
    const desk = await IssuerDesk.open(partitions);
    const held = made(desk.terminal.preauthorise(desk.card, 5000));
    const answer = await desk.ask(held);
    await expectAgreed(desk, { heldMinor: 5000, netMinor: 0 });
    const completion = desk.terminal.complete(held, answer, 4200);
    expect(await desk.code(completion)).toBe('00');
    expect(await desk.code(desk.terminal.repeat(completion))).toBe('00');
    await expectAgreed(desk, taken(4200));
    expect(await desk.code(desk.terminal.reverse(completion, '0420'))).toBe('00');
    expect(await desk.owed()).toEqual(NOTHING);
  });

  it('a refund is owed to the issuer, and reversals take back, in full and in part', async () => {
    const desk = await IssuerDesk.open(partitions);
    const refund = made(desk.terminal.refund(desk.card, 700));
    expect(await desk.code(refund)).toBe('00');
    await expectAgreed(desk, taken(-700));
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    expect(await desk.code(purchase)).toBe('00');
    const part = desk.terminal.reverse(purchase, '0400', 1000);
    expect([await desk.code(part), await desk.code(desk.terminal.repeat(part))]).toEqual(['00', '00']);
    await expectAgreed(desk, taken(300));
    expect(await desk.code(desk.terminal.reverse(refund, '0420'))).toBe('00');
    await expectAgreed(desk, taken(1000));
  });

  it.each<[string, number]>([
    ['the answer comes late', 9101],
    ['the request is lost', 9104],
    ['the answer is lost', 9105],
    ['the issuer dies before it books', 9106],
    ['the issuer dies after it has booked', 9107],
  ])('no answer (%s): declined, and the issuer takes back what it may have booked', async (_how, amount) => {
    const desk = await IssuerDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, amount));
    expect(await desk.code(purchase)).toBe('91');
    expect(await desk.code(desk.terminal.repeat(purchase))).toBe('91');
    await expectAgreed(desk, NOTHING);
  });

  it('an issuer that is not there is not asked, and gets no reversal', async () => {
    const desk = await IssuerDesk.open(partitions);
    await desk.issuer.stop();
    expect(await desk.code(made(desk.terminal.purchase(desk.card, 1250)))).toBe('91');
    expect(await desk.waiting()).toEqual([]);
    await expectAgreed(desk, NOTHING);
  });

  it('a switch that ends while the issuer thinks takes everything back when it starts again', async () => {
    const desk = await IssuerDesk.open(partitions);
    const purchase = made(desk.terminal.purchase(desk.card, 9105));
    const lost = desk.ask(purchase).catch(() => undefined);
    while (desk.booked().netMinor === 0) await new Promise((done) => setImmediate(done));
    expect(await desk.owed()).toEqual({ heldMinor: 9105, netMinor: 0 });
    // The old process hears nothing any more; what it had armed is all that is left of it.
    await desk.crash();
    await desk.start();
    await expectAgreed(desk, NOTHING);
    await lost;
    expect(await desk.code(desk.terminal.repeat(purchase))).toBe('05');
  });
});

describe('in the name of an issuer', () => {
  const standIn = { amounts: { CNY: 9200 } };

  it('small payments are approved while it is away, and told when it is back', async () => {
    const desk = await IssuerDesk.open(1, { standIn });
    await desk.issuer.stop();
    const answer = await desk.ask(made(desk.terminal.purchase(desk.card, 1250)));
    expect([answer.text(39), answer.text(38)]).toEqual(['00', expect.stringMatching(/^\d{6}$/)]);
    const held = made(desk.terminal.preauthorise(desk.card, 2000));
    expect(await desk.code(held)).toBe('00');
    expect(await desk.code(made(desk.terminal.purchase(desk.card, 9201)))).toBe('91');
    expect(await desk.code(made(desk.terminal.refund(desk.card, 100)))).toBe('91');
    expect(await desk.waiting()).toEqual(['due', 'due']);
    await desk.issuer.start();
    await expectAgreed(desk, { heldMinor: 2000, netMinor: 1250 });
  });

  it('is kept over a restart until it is told', async () => {
    const desk = await IssuerDesk.open(1, { standIn });
    await desk.issuer.stop();
    expect(await desk.code(made(desk.terminal.preauthorise(desk.card, 2000)))).toBe('00');
    expect(await desk.code(made(desk.terminal.purchase(desk.card, 1250)))).toBe('00');
    await desk.crash();
    await desk.start();
    await desk.issuer.start();
    await expectAgreed(desk, { heldMinor: 2000, netMinor: 1250 });
  });

  it('is taken back like any other, also what was completed', async () => {
    const desk = await IssuerDesk.open(1, { standIn });
    await desk.issuer.stop();
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    const held = made(desk.terminal.preauthorise(desk.card, 2000));
    expect(await desk.code(purchase)).toBe('00');
    const completion = desk.terminal.complete(held, await desk.ask(held), 1500);
    await desk.issuer.start();
    await expectAgreed(desk, { heldMinor: 2000, netMinor: 1250 });
    expect(await desk.code(desk.terminal.reverse(purchase, '0400'))).toBe('00');
    expect(await desk.code(completion)).toBe('00');
    await expectAgreed(desk, taken(1500));
    expect(await desk.code(desk.terminal.reverse(completion, '0420'))).toBe('00');
    await expectAgreed(desk, NOTHING);
  });

  it('what it has booked and not answered is taken back before it is told', async () => {
    const desk = await IssuerDesk.open(1, { standIn });
    expect(await desk.code(made(desk.terminal.purchase(desk.card, 9105)))).toBe('00');
    await expectAgreed(desk, taken(9105));
  });

  it('not by a stripe, when only chips are stood in for', async () => {
    const desk = await IssuerDesk.open(1, { standIn });
    await desk.issuer.stop();
    const purchase = made(desk.terminal.purchase(desk.card, 1250)).set(22, '021');
    expect(await desk.code(purchase)).toBe('91');
  });
});

describe.each<[string, number, boolean, object]>([
  ['approved', 1250, true, {}],
  ['declined', 9051, true, {}],
  ['approved in part', 9108, true, {}],
  ['lost with its answer', 9105, true, {}],
  ['not sent', 1250, false, {}],
  ['approved in the name of an issuer that is away', 1250, false, { standIn: { amounts: { CNY: 9200 } } }],
  ['approved in the name of one that has booked it', 9105, true, { standIn: { amounts: { CNY: 9200 } } }],
])('a switch that ends at any command of a payment that is %s', (_what, amount, isListening, terms) => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('the %dth: issuer and ledger agree afterwards', async (commands) => {
    const desk = await IssuerDesk.open(1, terms);
    if (!isListening) await desk.issuer.stop();
    desk.endAfter(commands);
    const purchase = made(desk.terminal.purchase(desk.card, amount));
    const answered = await desk.code(purchase).catch(() => 'none');
    await desk.crash();
    if (!isListening) await desk.issuer.start();
    await desk.start();
    await desk.allTold();
    const owed = await desk.owed();
    expect(owed).toEqual(desk.booked());
    expect(owed.heldMinor).toBe(0);
    if (answered !== 'none') expect(owed.netMinor > 0).toBe(answered === '00' || answered === '10');
    // A repeat hears how it ended; one that nothing is known of is a new payment.
    const repeated = await desk.code(desk.terminal.repeat(purchase));
    if (owed.netMinor > 0) expect(repeated).toBe('00');
    await desk.allTold();
    expect(await desk.owed()).toEqual(desk.booked());
  });
});

describe('what is kept for an issuer', () => {
  it('cannot be read in the queue, and has neither track nor chip data', async () => {
    const desk = await IssuerDesk.open();
    await desk.issuer.stop();
    const purchase = made(desk.terminal.purchase(desk.card, 1250));
    await desk.issuer.start();
    await desk.ask(purchase).catch(() => undefined);
    const lost = made(desk.terminal.purchase(desk.card, 9104));
    const asked = desk.ask(lost);
    while ((await desk.waiting()).length === 0) await new Promise((done) => setImmediate(done));
    const { entries = [] } = await desk.bank.registry(1, 'listOutbox', { queue: 'iss', cursor: 0, limit: 10 });
    for (const entry of entries) {
      expect(JSON.stringify(entry)).not.toContain('4761739001010119');
      expect(Buffer.from(entry.body ?? '', 'base64').toString('latin1')).not.toContain('4761739001010119');
    }
    expect(await asked.then((answer) => answer.text(39))).toBe('91');
  });
});
